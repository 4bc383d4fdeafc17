// The changes from one whole tree to another, found by walking both, by containerd's rules of what is the same.
import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs';
import { type BytePath, bufferFromBytePath } from '../../../linux/byte-path.js';
import { openAt, readDirectory } from '../../../linux/directory-calls.js';
import { type FileStatus, findStatusAt } from '../../../linux/file-status.js';
import { getXattrAt } from '../../../linux/xattr.js';
import { pathIn } from '../unpack/unpacked-paths.js';
import type { FoundFile, LayerChange } from './layer-change.js';

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;
const nanosPerSecond = 1_000_000_000n;
const compareBytes = 64 * 1024;

export interface Trees {
  readonly lower: string;
  readonly upper: string;
}

/** In the order of names; a directory comes before what changed in it, also when it is the same itself. */
export function* treeChanges(trees: Trees): Generator<LayerChange, void, undefined> {
  const lower = openSync(trees.lower, directoryFlags);
  try {
    const upper = openSync(trees.upper, directoryFlags);
    try {
      yield* changesIn({ lower, upper, path: '', parents: [] });
    } finally {
      closeSync(upper);
    }
  } finally {
    closeSync(lower);
  }
}

interface Walked {
  /** Undefined where the lower tree has no such directory. */
  readonly lower: number | undefined;
  readonly upper: number;
  readonly path: BytePath;
  /** Directories on the way here that were not told of yet, outermost first. */
  readonly parents: FoundFile[];
}

function* changesIn(walked: Walked): Generator<LayerChange, void, undefined> {
  const { lower, upper, path, parents } = walked;
  const names = new Set([...readDirectory(upper), ...(lower === undefined ? [] : readDirectory(lower))]);
  for (const name of [...names].sort()) {
    const before = lower === undefined ? undefined : findStatusAt(lower, name);
    const after = findStatusAt(upper, name);
    const here = pathIn(path, name);
    if (after === undefined || after.kind === 'socket') {
      if (before === undefined || before.kind === 'socket') continue;
      yield* told(parents);
      yield { type: 'hidden', path: here };
      continue;
    }
    const file = { directory: upper, name, path: here, status: after };
    const change = changeOf(lower, before, file);
    if (change?.type === 'present') yield* told(parents);
    if (change !== undefined) yield change;
    if (after.kind !== 'directory') continue;
    const below = change === undefined ? [...parents, file] : parents;
    yield* descend(walked, file, before?.kind === 'directory', below);
    // What was told of below is no longer to be told here.
    if (change === undefined && !below.includes(file)) parents.length = 0;
  }
}

function* descend(
  { lower, upper }: Walked,
  { name, path }: FoundFile,
  isBelow: boolean,
  parents: FoundFile[],
): Generator<LayerChange, void, undefined> {
  const upperFd = openAt(upper, name, directoryFlags);
  try {
    const lowerFd = isBelow && lower !== undefined ? openAt(lower, name, directoryFlags) : undefined;
    try {
      yield* changesIn({ lower: lowerFd, upper: upperFd, path, parents });
    } finally {
      if (lowerFd !== undefined) closeSync(lowerFd);
    }
  } finally {
    closeSync(upperFd);
  }
}

function* told(parents: FoundFile[]): Generator<LayerChange, void, undefined> {
  for (const file of parents.splice(0)) yield { type: 'present', file };
}

function changeOf(lower: number | undefined, before: FileStatus | undefined, file: FoundFile): LayerChange | undefined {
  if (lower === undefined || before === undefined || !isSame(lower, before, file)) return { type: 'present', file };
  return file.status.kind !== 'directory' && file.status.links > 1 ? { type: 'unchanged', file } : undefined;
}

function isSame(lower: number, before: FileStatus, { directory, name, status }: FoundFile): boolean {
  if (before.inode === status.inode) return true;
  for (const field of ['kind', 'mode', 'uid', 'gid', 'deviceMajor', 'deviceMinor'] as const) {
    if (before[field] !== status[field]) return false;
  }
  const [capability, other] = [lower, directory].map((fd) => getXattrAt(fd, name, 'security.capability'));
  if (!sameBytes(capability, other)) return false;
  return status.kind === 'directory' || hasSameContent(lower, before, { directory, name, status });
}

/** Times that a tar may have cut to the second tell nothing: then the content itself does. */
function hasSameContent(
  lower: number,
  before: FileStatus,
  { directory, name, status }: Pick<FoundFile, 'directory' | 'name' | 'status'>,
): boolean {
  if (before.size !== status.size) return false;
  const isWhole = before.modifiedNanos % nanosPerSecond === 0n && status.modifiedNanos % nanosPerSecond === 0n;
  if (before.modifiedNanos !== status.modifiedNanos) return false;
  if (!isWhole) return true;
  if (status.kind === 'symlink') return targetOf(lower, name) === targetOf(directory, name);
  return status.kind !== 'file' || sameFiles(lower, directory, name);
}

function targetOf(directory: number, name: BytePath): BytePath {
  return readlinkSync(bufferFromBytePath(`/proc/self/fd/${directory}/${name}`), 'latin1');
}

function sameFiles(lower: number, upper: number, name: BytePath): boolean {
  const before = openAt(lower, name, constants.O_RDONLY);
  try {
    const after = openAt(upper, name, constants.O_RDONLY);
    try {
      return sameContent(before, after);
    } finally {
      closeSync(after);
    }
  } finally {
    closeSync(before);
  }
}

function sameContent(before: number, after: number): boolean {
  const [one, other] = [Buffer.alloc(compareBytes), Buffer.alloc(compareBytes)];
  for (;;) {
    const count = readSync(before, one);
    if (count !== readSync(after, other)) return false;
    if (count === 0) return true;
    if (!one.subarray(0, count).equals(other.subarray(0, count))) return false;
  }
}

function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}
