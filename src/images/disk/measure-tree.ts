// What a tree takes on the disk: blocks and inodes, each file counted once however many names it has.
import { closeSync, constants, openSync } from 'node:fs';
import { BerthError } from '../../domain/errors.js';
import type { BytePath } from '../../linux/byte-path.js';
import { openAt, readDirectory } from '../../linux/directory-calls.js';
import { type FileStatus, statusAt } from '../../linux/file-status.js';
import { isSystemError } from '../../linux/libc.js';
import type { DiskJobContext } from './disk-job-context.js';

export interface TreeUsage {
  readonly bytes: number;
  readonly inodes: number;
}

/** Of statx(2). */
const blockBytes = 512;

/** The tree may change meanwhile: what has gone is not counted. */
export function measureTree(path: string, context: Pick<DiskJobContext, 'checkCancelled'>): TreeUsage {
  const inodes = new Set<string>();
  let bytes = 0;
  const count = ({ inode, blocks }: FileStatus): void => {
    if (inodes.has(inode)) return;
    inodes.add(inode);
    bytes += blocks * blockBytes;
  };
  const walk = (directory: number): void => {
    context.checkCancelled();
    for (const name of readDirectory(directory)) {
      unlessGone(() => {
        const status = statusAt(directory, name);
        count(status);
        if (status.kind === 'directory') withDirectory(directory, name, walk);
      });
    }
  };
  const root = openRoot(path);
  try {
    count(statusAt(root, ''));
    walk(root);
  } finally {
    closeSync(root);
  }
  return { bytes, inodes: inodes.size };
}

function openRoot(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    throw new BerthError('not-found', `${path} is not there any more`, { cause: error });
  }
}

function withDirectory(parent: number, name: BytePath, work: (directory: number) => void): void {
  const directory = openAt(parent, name, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    work(directory);
  } finally {
    closeSync(directory);
  }
}

function unlessGone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
}
