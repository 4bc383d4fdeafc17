// The shim's command line, in the manner of Go's flag package, which containerd writes: -name value, -name=value.

export interface ShimFlags {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly debug: boolean;
  /** containerd's own; for its start and delete contract. */
  readonly address: string;
  readonly publishBinary: string;
  readonly version: boolean;
  readonly info: boolean;
  /** What follows the flags. */
  readonly action: string;
}

const texts = { namespace: '', id: '', bundle: '', address: '', 'publish-binary': '', socket: '' };
const switches = { debug: false, v: false, info: false };

/** Throws with a message for the user. */
export function parseFlags(argv: readonly string[]): ShimFlags {
  const values: Record<string, string> = { ...texts };
  const set: Record<string, boolean> = { ...switches };
  let index = 0;
  for (; index < argv.length; index++) {
    const match = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(argv[index] ?? '');
    if (match?.[1] === undefined) break;
    const [, name, inline] = match;
    if (Object.hasOwn(set, name)) {
      set[name] = inline !== 'false';
    } else if (Object.hasOwn(values, name)) {
      const value = inline ?? argv[++index];
      if (value === undefined) throw new Error(`flag needs an argument: -${name}`);
      values[name] = value;
    } else {
      throw new Error(`flag provided but not defined: -${name}`);
    }
  }
  const rest = argv.slice(index);
  if (rest.length > 1) throw new Error(`unexpected arguments after ${rest[0]}: ${rest.slice(1).join(' ')}`);
  const text = (name: keyof typeof texts): string => values[name] ?? '';
  return {
    namespace: text('namespace'),
    id: text('id'),
    bundle: text('bundle'),
    address: text('address'),
    publishBinary: text('publish-binary'),
    debug: set['debug'] === true,
    version: set['v'] === true,
    info: set['info'] === true,
    action: rest[0] ?? '',
  };
}
