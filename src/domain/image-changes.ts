// Changes of an image's configuration, written as lines of a Dockerfile. Pure.
import { posix } from 'node:path';
import { BerthError } from './errors.js';
import type { ImageDefaults } from './oci-image.js';

type Change = (defaults: ImageDefaults, rest: string) => ImageDefaults;

const changes: Readonly<Record<string, Change>> = {
  CMD: (defaults, rest) => ({ ...defaults, Cmd: commandFrom(rest) }),
  ENTRYPOINT: (defaults, rest) => ({ ...defaults, Entrypoint: commandFrom(rest) }),
  ENV: (defaults, rest) => pairsFrom(rest).reduce(withVariable, defaults),
  EXPOSE: (defaults, rest) => {
    const ports = wordsFrom(rest).map(portFrom);
    return { ...defaults, ExposedPorts: { ...defaults.ExposedPorts, ...setOf(ports) } };
  },
  LABEL: (defaults, rest) => ({ ...defaults, Labels: { ...defaults.Labels, ...Object.fromEntries(pairsFrom(rest)) } }),
  STOPSIGNAL: (defaults, rest) => ({ ...defaults, StopSignal: wordFrom(rest) }),
  USER: (defaults, rest) => ({ ...defaults, User: wordFrom(rest) }),
  VOLUME: (defaults, rest) => {
    const paths = (jsonStrings(rest) ?? wordsFrom(rest)).map(absolute);
    return { ...defaults, Volumes: { ...defaults.Volumes, ...setOf(paths) } };
  },
  WORKDIR: (defaults, rest) => ({ ...defaults, WorkingDir: posix.resolve(defaults.WorkingDir || '/', rest) }),
};

/** `defaults` after each of `lines`, in order; `invalid-argument` that quotes the line that cannot be done. */
export function changedDefaults(defaults: ImageDefaults, lines: readonly string[]): ImageDefaults {
  return lines.reduce((current, line) => {
    const [, instruction = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/s.exec(line) ?? [];
    const name = instruction.toUpperCase();
    const change = Object.hasOwn(changes, name) ? changes[name] : undefined;
    if (change === undefined) throw bad(line, `not one of ${Object.keys(changes).join(', ')}`);
    try {
      return change(current, rest);
    } catch (error) {
      if (error instanceof SyntaxError) throw bad(line, error.message);
      throw error;
    }
  }, defaults);
}

/** A JSON list of strings, or a line for the shell. */
function commandFrom(rest: string): readonly string[] {
  if (rest === '') throw new SyntaxError('it names no command');
  return jsonStrings(rest) ?? ['/bin/sh', '-c', rest];
}

function withVariable(defaults: ImageDefaults, [name, value]: readonly [string, string]): ImageDefaults {
  const others = (defaults.Env ?? []).filter((entry) => !entry.startsWith(`${name}=`));
  return { ...defaults, Env: [...others, `${name}=${value}`] };
}

/** `A=1 B="two words"`, or the old form `NAME the rest`. */
function pairsFrom(rest: string): (readonly [string, string])[] {
  const words = wordsFrom(rest);
  const [first = ''] = words;
  if (!first.includes('=')) {
    const [, name, value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
    if (name === undefined || value === undefined) throw new SyntaxError('it is not KEY=VALUE');
    return [[name, value]];
  }
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at < 1) throw new SyntaxError(`${JSON.stringify(word)} is not KEY=VALUE`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

/** Split at spaces that are neither in quotes nor after a backslash; quotes and backslashes are taken away. */
function wordsFrom(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const one = text[at] ?? '';
    const next = text[at + 1] ?? '';
    if (one === '\\' && quote !== "'" && (quote === '' || /["\\$]/.test(next))) {
      word = (word ?? '') + next;
      at++;
    } else if (one === quote) quote = '';
    else if (quote === '' && (one === '"' || one === "'")) {
      quote = one;
      word ??= '';
    } else if (quote === '' && /\s/.test(one)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + one;
  }
  if (quote !== '') throw new SyntaxError('a quote is not closed');
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new SyntaxError('it says nothing');
  return words;
}

function wordFrom(rest: string): string {
  const [word = '', ...more] = wordsFrom(rest);
  if (more.length > 0) throw new SyntaxError('it is more than one word');
  return word;
}

function portFrom(text: string): string {
  const [, port, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) throw new SyntaxError(`${JSON.stringify(text)} is no port`);
  return `${port}/${protocol}`;
}

function absolute(path: string): string {
  if (!path.startsWith('/')) throw new SyntaxError(`${JSON.stringify(path)} is no absolute path`);
  return posix.normalize(path);
}

function jsonStrings(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  const value: unknown = JSON.parse(text);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new SyntaxError('it is not a list of strings');
}

function setOf(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function bad(line: string, why: string): BerthError {
  return new BerthError('invalid-argument', `change ${JSON.stringify(line)}: ${why}`);
}
