// The FIFOs that carry one process's streams between `berth` and the shim, in a private directory.
import { createHash } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { makeFifo } from '../../linux/fifo.js';
import { BerthError } from '../../domain/errors.js';
import { isTcp, socketPath } from '../endpoint.js';

/** Paths or URIs of a process's streams as the API takes them; empty means none. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StdioWishes {
  readonly stdin: boolean;
  /** A terminal has one output. */
  readonly terminal: boolean;
}

/** What `removeFifosOf` may remove with the FIFOs in it. */
const directoryPrefix = 'stdio-';

/** Enough that two containers of one host do not share it. */
const ownerLetters = 16;

/**
 * `address` is the daemon's socket: the FIFOs lie beside it, where the daemon surely sees them. `owner` marks those of
 * execs, which only the removal of their container finds when nobody waited for their end.
 */
export async function makeFifoSet(address: string, wishes: StdioWishes, owner = ''): Promise<StdioPaths> {
  const directory = await makeDirectory(address, owner);
  const paths = {
    stdin: wishes.stdin ? join(directory, 'stdin') : '',
    stdout: join(directory, 'stdout'),
    stderr: wishes.terminal ? '' : join(directory, 'stderr'),
  };
  try {
    for (const path of Object.values(paths)) if (path !== '') makeFifo(path, 0o600);
  } catch (error) {
    await removeFifosOf(paths);
    throw error;
  }
  return paths;
}

/** Removes those of a process's streams that are FIFOs, and the directory that was made for them. */
export async function removeFifosOf({ stdin, stdout, stderr }: StdioPaths): Promise<void> {
  const paths = new Set([stdin, stdout, stderr].filter((path) => isAbsolute(path)));
  for (const path of paths) {
    if (await isFifo(path)) await unlink(path).catch(() => undefined);
  }
  for (const directory of new Set([...paths].map(dirname))) {
    // Not empty: somebody else's.
    if (basename(directory).startsWith(directoryPrefix)) await rmdir(directory).catch(() => undefined);
  }
}

/** The mark of a container's execs. */
export function fifoOwner(namespace: string, containerId: string): string {
  const digest = createHash('sha256').update(`${namespace}/${containerId}`).digest('hex');
  return `${digest.slice(0, ownerLetters)}-`;
}

/** Removes what execs that were left to themselves have left. */
export async function removeFifosOfOwner(address: string, owner: string): Promise<void> {
  if (isTcp(address)) return;
  const parent = directoryBeside(address);
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((entry) => entry.startsWith(`${directoryPrefix}${owner}`))) {
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

function directoryBeside(address: string): string {
  return join(dirname(socketPath(address)), 'fifo');
}

/** Whoever may not write beside the socket gets a directory where temporary files go. */
async function makeDirectory(address: string, owner: string): Promise<string> {
  if (isTcp(address)) {
    throw new BerthError('failed-precondition', 'streams go through FIFOs on the host of berthd: use its socket there');
  }
  const besideSocket = directoryBeside(address);
  try {
    await mkdir(besideSocket, { mode: 0o711 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    return await mkdtemp(join(besideSocket, `${directoryPrefix}${owner}`));
  } catch {
    return await mkdtemp(join(tmpdir(), `${directoryPrefix}${owner}`));
  }
}

async function isFifo(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFIFO();
  } catch {
    return false;
  }
}
