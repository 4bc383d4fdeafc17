// A file tree as text, a line for each name: everything that a layer can carry, so that two trees can be compared.
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { getXattrAt, listXattrsAt } from '../../src/linux/xattr.js';

const opaque = 'trusted.overlay.opaque';

export interface TreeOptions {
  /** Directories changed later than this show no time: nobody said which. */
  readonly timesUntil?: Date;
}

/** Names are bytes, one per character. `overlay` attributes other than opaqueness are the kernel's own and left out. */
export function describeTree(root: string, options: TreeOptions = {}): Map<string, string> {
  const lines = new Map<string, string>();
  const firstNames = new Map<string, string>();
  const walk = (path: string): void => {
    for (const name of readdirSync(Buffer.from(`${root}/${path}`, 'latin1'), 'latin1').sort()) {
      const below = path === '' ? name : `${path}/${name}`;
      const line = describe(root, below, firstNames, options);
      lines.set(below, [line, ...attributesOf(root, below)].join(' '));
      if (line.startsWith('directory')) walk(below);
    }
  };
  walk('');
  return lines;
}

function describe(root: string, path: string, firstNames: Map<string, string>, { timesUntil }: TreeOptions): string {
  const file = Buffer.from(`${root}/${path}`, 'latin1');
  const status = lstatSync(file, { bigint: true });
  const mode = (Number(status.mode) & 0o7777).toString(8);
  const isLate = timesUntil !== undefined && status.mtimeMs > BigInt(timesUntil.getTime());
  const common = `mode=${mode} owner=${status.uid}:${status.gid}`;
  const time = status.isDirectory() && isLate ? 'time=*' : `time=${status.mtimeNs}`;
  if (status.isDirectory()) return `directory ${common} ${time}`;
  const first = firstNames.get(String(status.ino)) ?? path;
  if (status.nlink > 1n) firstNames.set(String(status.ino), first);
  const link = first === path ? '' : ` same-as=${first}`;
  if (status.isSymbolicLink()) return `symlink ${common} ${time} to=${readlinkSync(file, 'latin1')}${link}`;
  if (status.isFile()) {
    const hash = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
    return `file ${common} ${time} size=${status.size} content=${hash}${link}`;
  }
  const kind = status.isFIFO() ? 'fifo' : status.isBlockDevice() ? 'block' : status.isSocket() ? 'socket' : 'character';
  // A whiteout has no time of its own: nobody sees it.
  const isWhiteout = kind === 'character' && status.rdev === 0n;
  return `${kind} ${common} ${isWhiteout ? '' : time} device=${status.rdev}${link}`;
}

/** Of one file, in the order of their names. */
function attributesOf(root: string, path: string): string[] {
  const directory = openSync(Buffer.from(dirname(`${root}/${path}`), 'latin1'), 'r');
  try {
    const name = basename(path);
    const own = listXattrsAt(directory, name).filter((key) => !key.startsWith('trusted.overlay.') || key === opaque);
    return own.sort().map((key) => `${key}=${getXattrAt(directory, name, key)?.toString('hex')}`);
  } finally {
    closeSync(directory);
  }
}
