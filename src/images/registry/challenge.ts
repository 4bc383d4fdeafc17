// What a registry asks for with WWW-Authenticate (RFC 9110): schemes, each with parameters.

export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Longer headers than this are no challenge. */
const maxHeaderLength = 8192;

const schemePattern = /^[\s,]*([A-Za-z][A-Za-z0-9-]*)(?:\s+|$|(?=,))(?![=])/;
const parameterPattern = /^[\s,]*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/;

export function parseChallenges(header: string): Challenge[] {
  if (header.length > maxHeaderLength) return [];
  const challenges: Challenge[] = [];
  let rest = header;
  for (;;) {
    const scheme = schemePattern.exec(rest);
    if (scheme === null) return challenges;
    rest = rest.slice(scheme[0].length);
    const parameters: Record<string, string> = {};
    for (;;) {
      const parameter = parameterPattern.exec(rest);
      if (parameter === null) break;
      rest = rest.slice(parameter[0].length);
      const [, name = '', quoted, plain = ''] = parameter;
      parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    }
    challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters });
  }
}
