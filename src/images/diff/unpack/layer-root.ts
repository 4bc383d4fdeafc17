// The directory that a layer is unpacked into. Every parent is resolved inside it, as if it were the root of the file
// system, and is made where it is missing, with the attributes that it has in the layers below.
import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { type BytePath, bufferFromBytePath, bytePathFromText } from '../../../linux/byte-path.js';
import {
  changeModeAt,
  changeOwnerAt,
  type FileTimes,
  makeDirectoryAt,
  O_PATH,
} from '../../../linux/directory-calls.js';
import { type FileStatus, findStatusAt, statusAt } from '../../../linux/file-status.js';
import { isSystemError } from '../../../linux/libc.js';
import { openDirectoryInRoot, openInRoot } from '../../../linux/open-in-root.js';
import { getXattrAt, listXattrsAt, setXattrAt } from '../../../linux/xattr.js';
import { entryError } from './layer-entry.js';

export interface LayerDirectory {
  readonly fd: number;
  /** Below the root, without symbolic links; empty for the root itself. */
  readonly path: BytePath;
}

/** Directories kept open: those of one package's files come one after the other. */
const maxOpenDirectories = 64;
/** As the kernel has it, for symbolic links on the way to one name. */
const maxLinks = 40;
const impliedMode = 0o755;

export class LayerRoot {
  readonly #root: LayerDirectory;
  readonly #rootPath: BytePath;
  readonly #lowers: readonly string[];
  readonly #lowerRoots = new Map<string, number>();
  /** By the name that asked for it. */
  readonly #open = new Map<BytePath, LayerDirectory>();
  readonly #onImplied: (path: BytePath, times: FileTimes) => void;

  /** `lowers` are the layers below, the next one first; `onImplied` learns of directories that were made after theirs. */
  constructor(path: string, lowers: readonly string[], onImplied: (path: BytePath, times: FileTimes) => void) {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#root = { fd, path: '' };
    this.#rootPath = pathOfDescriptor(fd);
    this.#lowers = lowers;
    this.#onImplied = onImplied;
  }

  /** The absolute path of the root has so many bytes. */
  get pathBytes(): number {
    return this.#rootPath.length;
  }

  /** The directory `path`, with what is missing made. It may be closed after a few more calls. */
  directory(path: BytePath): LayerDirectory {
    if (path === '') return this.#root;
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    return this.#remember(path, this.#find(path) ?? this.#make(path));
  }

  /** The directory `path` if it is there and no symbolic link leads to it. */
  existing(path: BytePath): LayerDirectory | undefined {
    if (path === '') return this.#root;
    const found = this.#open.get(path) ?? this.#find(path);
    return found === undefined ? undefined : this.#remember(path, found);
  }

  /** Something was replaced that names may lead through. */
  forget(): void {
    for (const { fd } of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  close(): void {
    this.forget();
    for (const fd of this.#lowerRoots.values()) closeSync(fd);
    this.#lowerRoots.clear();
    closeSync(this.#root.fd);
  }

  #remember(path: BytePath, directory: LayerDirectory): LayerDirectory {
    this.#open.delete(path);
    this.#open.set(path, directory);
    const [oldest] = this.#open;
    if (this.#open.size > maxOpenDirectories && oldest !== undefined) {
      this.#open.delete(oldest[0]);
      closeSync(oldest[1].fd);
    }
    return directory;
  }

  #find(path: BytePath): LayerDirectory | undefined {
    try {
      const fd = openDirectoryInRoot(this.#root.fd, path);
      return { fd, path: pathOfDescriptor(fd).slice(this.#rootPath.length + 1) };
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return undefined;
      if (isSystemError(error, 'ENOTDIR')) throw entryError(path, 'it is to hold an entry, but is no directory');
      if (isSystemError(error, 'ELOOP')) throw entryError(path, 'too many symbolic links lead to it');
      throw error;
    }
  }

  /** Follows symbolic links by hand, since a dangling one tells where a directory is to be made. */
  #make(path: BytePath): LayerDirectory {
    const resolved: BytePath[] = [];
    const ahead = path.split('/');
    let links = 0;
    for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
      if (part === '..') resolved.pop();
      if (part === '' || part === '.' || part === '..') continue;
      const parent = this.#opened(resolved.join('/'));
      try {
        const status = findStatusAt(parent, part);
        if (status?.kind === 'symlink') {
          if (++links > maxLinks) throw entryError(path, 'too many symbolic links lead to it');
          const target = readlinkSync(bufferFromBytePath(`/proc/self/fd/${parent}/${part}`), 'latin1');
          if (target.startsWith('/')) resolved.length = 0;
          ahead.unshift(...target.split('/'));
          continue;
        }
        resolved.push(part);
        if (status === undefined) this.#makeImplied(parent, part, resolved.join('/'));
        else if (status.kind !== 'directory') throw entryError(path, 'it is to hold an entry, but is no directory');
      } finally {
        closeSync(parent);
      }
    }
    return { fd: this.#opened(resolved.join('/')), path: resolved.join('/') };
  }

  #opened(path: BytePath): number {
    return openDirectoryInRoot(this.#root.fd, path);
  }

  #makeImplied(parent: number, name: BytePath, path: BytePath): void {
    makeDirectoryAt(parent, name, impliedMode);
    changeModeAt(parent, name, impliedMode);
    const times = this.#copyFromBelow(parent, name, path);
    if (times !== undefined) this.#onImplied(path, times);
  }

  /** The topmost layer below that has something at `path` decides, as in containerd. */
  #copyFromBelow(parent: number, name: BytePath, path: BytePath): FileTimes | undefined {
    for (const lower of this.#lowers) {
      const fd = this.#findBelow(lower, path);
      if (fd === undefined) continue;
      try {
        const status = statusAt(fd, '');
        if (status.kind !== 'directory') return undefined;
        copyAttributes(fd, parent, name, status);
        return status;
      } finally {
        closeSync(fd);
      }
    }
    return undefined;
  }

  #findBelow(lower: string, path: BytePath): number | undefined {
    let root = this.#lowerRoots.get(lower);
    if (root === undefined) {
      root = openSync(bufferFromBytePath(bytePathFromText(lower)), constants.O_RDONLY | constants.O_DIRECTORY);
      this.#lowerRoots.set(lower, root);
    }
    try {
      return openInRoot(root, path, O_PATH);
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  }
}

function pathOfDescriptor(fd: number): BytePath {
  return readlinkSync(`/proc/self/fd/${fd}`, 'latin1');
}

function copyAttributes(from: number, parent: number, name: BytePath, { uid, gid, mode }: FileStatus): void {
  changeOwnerAt(parent, name, uid, gid);
  for (const attribute of listXattrsAt(from, '')) {
    if (attribute.startsWith('trusted.')) continue;
    const value = getXattrAt(from, '', attribute);
    if (value !== undefined) setXattrAt(parent, name, attribute, value);
  }
  changeModeAt(parent, name, mode);
}
