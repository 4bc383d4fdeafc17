// The FIFOs that carry one process's streams between `berth` and the shim, in a private directory.
import { lstat, mkdir, mkdtemp, rmdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { makeFifo } from '../../linux/fifo.js';
import { socketPath } from '../connection.js';

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

/** `address` is the daemon's socket: the FIFOs lie beside it, where the daemon surely sees them. */
export async function makeFifoSet(address: string, wishes: StdioWishes): Promise<StdioPaths> {
  const directory = await makeDirectory(address);
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

/** Whoever may not write beside the socket gets a directory where temporary files go. */
async function makeDirectory(address: string): Promise<string> {
  const besideSocket = join(dirname(socketPath(address)), 'fifo');
  try {
    await mkdir(besideSocket, { mode: 0o711 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    return await mkdtemp(join(besideSocket, directoryPrefix));
  } catch {
    return await mkdtemp(join(tmpdir(), directoryPrefix));
  }
}

async function isFifo(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFIFO();
  } catch {
    return false;
  }
}
