// A plain copy of a tree that keeps everything: owners, modes, times, attributes, devices and hard links.
import { closeSync, constants, copyFileSync, openSync, readlinkSync } from 'node:fs';
import { BerthError } from '../../domain/errors.js';
import { type BytePath, bufferFromBytePath, textFromBytePath } from '../../linux/byte-path.js';
import {
  changeModeAt,
  changeOwnerAt,
  linkAt,
  makeDirectoryAt,
  makeNodeAt,
  makeSymlinkAt,
  openAt,
  readDirectory,
  setTimesAt,
} from '../../linux/directory-calls.js';
import { type FileStatus, statusAt } from '../../linux/file-status.js';
import { isSystemError } from '../../linux/libc.js';
import { getXattrAt, listXattrsAt, setXattrAt } from '../../linux/xattr.js';
import type { DiskJobContext } from './disk-job-context.js';

export interface CopyParameters {
  readonly from: string;
  /** An empty directory. It takes the attributes of `from`, too. */
  readonly to: string;
}

interface CopyState {
  readonly context: Pick<DiskJobContext, 'checkCancelled'>;
  /** Where the first name of a file with several was copied to, by its inode. */
  readonly linked: Map<string, BytePath>;
  readonly targetRoot: number;
}

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;

export function copyTree({ from, to }: CopyParameters, context: Pick<DiskJobContext, 'checkCancelled'>): void {
  const source = openSync(from, directoryFlags);
  try {
    const target = openSync(to, directoryFlags);
    try {
      copyContents(source, target, '', { context, linked: new Map(), targetRoot: target });
      copyAttributes(source, target, '', statusAt(source, ''));
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function copyContents(source: number, target: number, path: BytePath, state: CopyState): void {
  state.context.checkCancelled();
  for (const name of readDirectory(source)) {
    const status = statusAt(source, name);
    const here = path === '' ? name : `${path}/${name}`;
    if (status.kind === 'socket') continue;
    if (status.kind === 'directory') {
      copyDirectory(source, target, name, here, state);
    } else if (linkToFirst(target, name, here, status, state)) {
      continue;
    } else {
      copyFile(source, target, name, status);
    }
    copyAttributes(source, target, name, status);
  }
}

function copyDirectory(source: number, target: number, name: BytePath, path: BytePath, state: CopyState): void {
  makeDirectoryAt(target, name, 0o700);
  const from = openAt(source, name, directoryFlags);
  try {
    const to = openAt(target, name, directoryFlags);
    try {
      copyContents(from, to, path, state);
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

/** True when an earlier name of the same file was there to be linked to. */
function linkToFirst(
  target: number,
  name: BytePath,
  path: BytePath,
  { links, inode }: FileStatus,
  { linked, targetRoot }: CopyState,
): boolean {
  if (links < 2) return false;
  const first = linked.get(inode);
  if (first === undefined) {
    linked.set(inode, path);
    return false;
  }
  linkAt({ directory: targetRoot, name: first }, target, name);
  return true;
}

function copyFile(source: number, target: number, name: BytePath, status: FileStatus): void {
  switch (status.kind) {
    case 'file': {
      const [from, to] = [source, target].map((fd) => bufferFromBytePath(`/proc/self/fd/${fd}/${name}`));
      if (from !== undefined && to !== undefined) {
        copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      }
      return;
    }
    case 'symlink': {
      const path = bufferFromBytePath(`/proc/self/fd/${source}/${name}`);
      makeSymlinkAt(target, name, readlinkSync(path, 'latin1'));
      return;
    }
    case 'fifo':
    case 'character-device':
    case 'block-device': {
      const { kind, mode, deviceMajor, deviceMinor } = status;
      makeNodeAt(target, name, { kind, mode, major: deviceMajor, minor: deviceMinor });
      return;
    }
    default:
      throw new BerthError('unimplemented', `cannot copy ${textFromBytePath(name)}: it is a ${status.kind}`);
  }
}

/** The order matters: a new owner takes setuid and capabilities away, and everything changes times. */
function copyAttributes(source: number, target: number, name: BytePath, status: FileStatus): void {
  const own = name === '' ? '.' : name;
  changeOwnerAt(target, own, status.uid, status.gid);
  for (const attribute of listXattrsAt(source, name)) {
    const value = getXattrAt(source, name, attribute);
    if (value !== undefined) setXattrIfSupported(target, name, attribute, value);
  }
  if (status.kind !== 'symlink') changeModeAt(target, own, status.mode);
  setTimesAt(target, own, status);
}

function setXattrIfSupported(directory: number, name: BytePath, attribute: BytePath, value: Buffer): void {
  try {
    setXattrAt(directory, name, attribute, value);
  } catch (error) {
    if (!isSystemError(error, 'ENOTSUP', 'EOPNOTSUPP')) throw error;
  }
}
