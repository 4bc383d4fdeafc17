// The changes that the upper directory of an overlay holds, read from it directly, without a mount.
import { closeSync, constants, openSync } from 'node:fs';
import { BerthError } from '../../../domain/errors.js';
import { type BytePath, textFromBytePath } from '../../../linux/byte-path.js';
import { O_PATH, openAt, readDirectory } from '../../../linux/directory-calls.js';
import { findStatusAt, statusAt } from '../../../linux/file-status.js';
import { isSystemError } from '../../../linux/libc.js';
import { openInRoot } from '../../../linux/open-in-root.js';
import { getXattrAt, listXattrsAt } from '../../../linux/xattr.js';
import { isWhiteout } from '../unpack/whiteouts.js';
import { pathIn } from '../unpack/unpacked-paths.js';
import type { LayerChange } from './layer-change.js';

export interface UpperDirectory {
  readonly path: string;
  /** The layers below it. */
  readonly lowers: readonly string[];
  /** Whose extended attributes the overlay marks files with. */
  readonly attributes: 'trusted' | 'user';
}

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;

/** In the order of names, directories before what is in them. */
export function* upperChanges(upper: UpperDirectory): Generator<LayerChange, void, undefined> {
  const root = openSync(upper.path, directoryFlags);
  const lowers = new LowerTrees(upper.lowers);
  try {
    yield* changesIn({ directory: root, path: '' }, lowers, `${upper.attributes}.overlay.`);
  } finally {
    lowers.close();
    closeSync(root);
  }
}

interface WalkedDirectory {
  readonly directory: number;
  readonly path: BytePath;
}

function* changesIn(
  { directory, path }: WalkedDirectory,
  lowers: LowerTrees,
  marks: string,
): Generator<LayerChange, void, undefined> {
  for (const name of readDirectory(directory).sort()) {
    const status = findStatusAt(directory, name);
    if (status === undefined || status.kind === 'socket') continue;
    const here = pathIn(path, name);
    if (isWhiteout(status)) {
      yield { type: 'hidden', path: here };
      continue;
    }
    refuseIncomplete(directory, name, marks);
    yield { type: 'present', file: { directory, name, path: here, status } };
    if (status.kind !== 'directory') continue;
    // New directories are opaque too, although there is nothing for them to hide.
    if (isOpaque(directory, name, marks) && lowers.hasDirectory(here)) yield { type: 'opaque', path: here };
    const fd = openAt(directory, name, directoryFlags);
    try {
      yield* changesIn({ directory: fd, path: here }, lowers, marks);
    } finally {
      closeSync(fd);
    }
  }
}

function isOpaque(directory: number, name: BytePath, marks: string): boolean {
  return getXattrAt(directory, name, `${marks}opaque`)?.toString() === 'y';
}

/** A kernel may be told to leave parts of changed files and renamed directories in the layers below. */
function refuseIncomplete(directory: number, name: BytePath, marks: string): void {
  for (const attribute of listXattrsAt(directory, name)) {
    if (attribute !== `${marks}redirect` && attribute !== `${marks}metacopy`) continue;
    const message = `${textFromBytePath(name)} has ${attribute}: mount overlays without redirect_dir and metacopy`;
    throw new BerthError('failed-precondition', message);
  }
}

class LowerTrees {
  readonly #paths: readonly string[];
  #roots: readonly number[] | undefined;

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  hasDirectory(path: BytePath): boolean {
    this.#roots ??= this.#paths.map((lower) => openSync(lower, directoryFlags));
    return this.#roots.some((root) => kindIn(root, path) === 'directory');
  }

  close(): void {
    for (const root of this.#roots ?? []) closeSync(root);
  }
}

function kindIn(root: number, path: BytePath): string | undefined {
  try {
    const fd = openInRoot(root, path, O_PATH | constants.O_NOFOLLOW);
    try {
      return statusAt(fd, '').kind;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}
