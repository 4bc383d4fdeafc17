// Which pipes a process was given, written down in the bundle, so that a shim that takes over finds them again among the
// descriptors of the container's processes.
import { openSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import type { ProcessNames } from '../container-process.js';

export type StreamName = 'stdin' | 'stdout' | 'stderr';

/** Inode numbers of pipes; a stream without a pipe is left out. */
export type PipeInodes = Readonly<Partial<Record<StreamName, number>>>;

export function savePipeInodes(names: ProcessNames, inodes: PipeInodes): void {
  if (Object.keys(inodes).length === 0) return;
  writeFileSync(fileOf(names), JSON.stringify(inodes), { mode: 0o600 });
}

/** None when nothing was written down, or not to the end. */
export function loadPipeInodes(names: ProcessNames): PipeInodes {
  try {
    return JSON.parse(readFileSync(fileOf(names), 'utf8')) as PipeInodes;
  } catch {
    return {};
  }
}

export function forgetPipeInodes(names: ProcessNames): void {
  rmSync(fileOf(names), { force: true });
}

/** Opens the pipe with `flags` through whichever of `pids` still holds it; undefined when none does. */
export function openPipeHeldBy(pids: readonly number[], inode: number, flags: number): number | undefined {
  for (const pid of pids) {
    const directory = `/proc/${pid}/fd`;
    for (const fd of descriptorsOf(directory)) {
      const path = `${directory}/${fd}`;
      if (linkOf(path) !== `pipe:[${inode}]`) continue;
      try {
        return openSync(path, flags);
      } catch {
        // Closed in the meantime: another process may hold it.
      }
    }
  }
  return undefined;
}

/** Relative to the bundle, the shim's working directory; an exec's files all begin alike. */
function fileOf({ execId }: ProcessNames): string {
  return execId === '' ? 'init.pipes' : `exec-${execId}.pipes`;
}

function descriptorsOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
