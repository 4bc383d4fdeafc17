// Makes what a layer's entries say, as containerd does: replaces what is there but merges directories, links, devices,
// owners, attributes, modes and times. Everything goes through directories resolved inside the root.
import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, writeSync } from 'node:fs';
import { BerthError } from '../../../domain/errors.js';
import { type BytePath, bufferFromBytePath } from '../../../linux/byte-path.js';
import {
  changeModeAt,
  changeOwnerAt,
  type FileTimes,
  linkAt,
  makeDirectoryAt,
  makeNodeAt,
  makeSymlinkAt,
  openAt,
  removeTreeAt,
  setTimes,
  setTimesAt,
} from '../../../linux/directory-calls.js';
import { findStatusAt, statusAt } from '../../../linux/file-status.js';
import { isSystemError } from '../../../linux/libc.js';
import { syncFileSystem } from '../../../linux/sync-file-system.js';
import { setXattr, setXattrAt } from '../../../linux/xattr.js';
import { entryError, type LayerEntry } from './layer-entry.js';
import { type LayerDirectory, LayerRoot } from './layer-root.js';
import type { EntryVisitor } from './tar-entries.js';
import { nameOf, parentOf, pathIn } from './unpacked-paths.js';
import { isAufsMetadata, parseWhiteout, type Whiteouts } from './whiteouts.js';

interface OpenFile {
  readonly fd: number;
  readonly entry: LayerEntry;
  /** Where its next byte goes. */
  position: number;
}

export interface LayerTarget {
  readonly path: string;
  /** The layers below, the next one first: missing parents take their attributes from there. */
  readonly lowers: readonly string[];
  readonly whiteouts: Whiteouts;
  readonly allowDevices: boolean;
}

/** PATH_MAX of Linux, less the closing zero: for what others are to reach by its whole path. */
const maxPathBytes = 4095;
const newFileFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
/** Until owner and attributes are set. */
const newFileMode = 0o600;

export class LayerWriter implements EntryVisitor {
  readonly #root: LayerRoot;
  readonly #target: LayerTarget;
  /** Set last, since whatever comes into a directory changes them. */
  readonly #directoryTimes = new Map<BytePath, FileTimes>();
  #file: OpenFile | undefined;

  constructor(target: LayerTarget) {
    this.#target = target;
    this.#root = new LayerRoot(target.path, target.lowers, (path, times) => {
      this.#directoryTimes.set(path, times);
      this.#target.whiteouts.brought(path);
    });
  }

  begin(entry: LayerEntry): void {
    if (entry.name === '' || isAufsMetadata(entry.name)) return;
    try {
      this.#make(entry);
    } catch (error) {
      throw wholeError(entry, error);
    }
  }

  content(bytes: Uint8Array): void {
    if (this.#file === undefined) return;
    const { fd, entry } = this.#file;
    try {
      for (let done = 0; done < bytes.length; ) {
        const written = writeSync(fd, bytes, done, bytes.length - done, this.#file.position);
        this.#file.position += written;
        done += written;
      }
    } catch (error) {
      throw wholeError(entry, error);
    }
  }

  /** Takes no room on the disk. */
  hole(length: number): void {
    if (this.#file === undefined) return;
    const { fd, entry } = this.#file;
    this.#file.position += length;
    try {
      ftruncateSync(fd, this.#file.position);
    } catch (error) {
      throw wholeError(entry, error);
    }
  }

  end(): void {
    if (this.#file === undefined) return;
    const { fd, entry } = this.#file;
    try {
      fchownSync(fd, entry.uid, entry.gid);
      setAttributes(entry, (attribute, value) => setXattr(fd, attribute, value));
      fchmodSync(fd, entry.mode);
      setTimes(fd, entry);
    } catch (error) {
      throw wholeError(entry, error);
    } finally {
      this.#closeFile();
    }
  }

  /** After the last entry. */
  finish({ sync }: { readonly sync: boolean }): void {
    for (const [path, times] of this.#directoryTimes) this.#setDirectoryTimes(path, times);
    if (sync) syncFileSystem(this.#root.directory('').fd);
  }

  close(): void {
    this.#closeFile();
    this.#root.close();
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file.fd);
  }

  #make(entry: LayerEntry): void {
    if (this.#root.pathBytes + 1 + entry.name.length > maxPathBytes) {
      throw entryError(entry.name, `its whole path would have more than ${maxPathBytes} bytes`);
    }
    const whiteout = parseWhiteout(nameOf(entry.name));
    if (whiteout === 'invalid') throw entryError(entry.name, 'it hides nothing that can be');
    if (whiteout === undefined) this.#create(entry);
    else this.#hide(whiteout.hidden, entry);
  }

  #hide(hidden: BytePath | undefined, entry: LayerEntry): void {
    const { whiteouts } = this.#target;
    const directory = this.#root.directory(parentOf(entry.name));
    const removed = hidden === undefined ? whiteouts.hideAll(directory) : whiteouts.hide(directory, hidden, entry);
    if (removed) this.#root.forget();
  }

  #create(entry: LayerEntry): void {
    const directory = this.#root.directory(parentOf(entry.name));
    const name = nameOf(entry.name);
    const path = pathIn(directory.path, name);
    try {
      this.#createNew(directory, name, entry);
    } catch (error) {
      if (!isSystemError(error, 'EEXIST')) throw error;
      this.#replace(directory, name, entry);
    }
    this.#target.whiteouts.brought(path);
  }

  #replace(directory: LayerDirectory, name: BytePath, entry: LayerEntry): void {
    const existing = statusAt(directory.fd, name);
    if (existing.kind === 'directory' && entry.kind === 'directory') {
      this.#finishDirectory(directory, name, entry);
      return;
    }
    removeTreeAt(directory.fd, name);
    if (existing.kind === 'directory') this.#forgetTimesBelow(pathIn(directory.path, name));
    if (existing.kind === 'directory' || existing.kind === 'symlink') this.#root.forget();
    const parent = this.#root.directory(parentOf(entry.name));
    this.#createNew(parent, name, entry);
    if (entry.kind === 'directory') this.#target.whiteouts.replaced(parent, name, existing);
  }

  #createNew(directory: LayerDirectory, name: BytePath, entry: LayerEntry): void {
    switch (entry.kind) {
      case 'file':
        this.#createFile(directory, name, entry);
        return;
      case 'directory':
        makeDirectoryAt(directory.fd, name, entry.mode);
        this.#finishDirectory(directory, name, entry);
        return;
      case 'symlink':
        makeSymlinkAt(directory.fd, name, entry.linkName);
        setMetadata(directory, name, entry, { isSymlink: true });
        return;
      case 'link':
        this.#createLink(directory, name, entry);
        return;
      case 'fifo':
      case 'character-device':
      case 'block-device':
        if (entry.kind !== 'fifo' && !this.#target.allowDevices) {
          const { message } = entryError(entry.name, 'layers must not bring devices here (unpack_devices)');
          throw new BerthError('failed-precondition', message);
        }
        makeNodeAt(directory.fd, name, { kind: entry.kind, mode: entry.mode, major: entry.major, minor: entry.minor });
        setMetadata(directory, name, entry, { isSymlink: false });
    }
  }

  /** Its attributes follow its content, which would take them away or change them. */
  #createFile(directory: LayerDirectory, name: BytePath, entry: LayerEntry): void {
    const fd = openAt(directory.fd, name, newFileFlags, newFileMode);
    this.#file = { fd, entry, position: 0 };
  }

  #finishDirectory(directory: LayerDirectory, name: BytePath, entry: LayerEntry): void {
    setMetadata(directory, name, entry, { isSymlink: false });
    this.#directoryTimes.set(pathIn(directory.path, name), entry);
  }

  /** A link's entry repeats what is said of the file, and may correct it. */
  #createLink(directory: LayerDirectory, name: BytePath, entry: LayerEntry): void {
    const target = this.#root.existing(parentOf(entry.linkName));
    const targetName = nameOf(entry.linkName);
    if (target === undefined || targetName === '' || findStatusAt(target.fd, targetName) === undefined) {
      throw entryError(entry.name, 'it links to what is not in the layer');
    }
    linkAt({ directory: target.fd, name: targetName }, directory.fd, name);
    setMetadata(directory, name, entry, { isSymlink: statusAt(directory.fd, name).kind === 'symlink' });
  }

  #forgetTimesBelow(path: BytePath): void {
    for (const known of this.#directoryTimes.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#directoryTimes.delete(known);
    }
  }

  #setDirectoryTimes(path: BytePath, times: FileTimes): void {
    try {
      const parent = this.#root.existing(parentOf(path));
      if (parent !== undefined) setTimesAt(parent.fd, nameOf(path), times);
    } catch (error) {
      // Hidden by a later entry of the same layer.
      if (!isSystemError(error, 'ENOENT')) throw error;
    }
  }
}

/** The order matters: a new owner takes setuid and capabilities away, and everything changes times. */
function setMetadata(
  directory: LayerDirectory,
  name: BytePath,
  entry: LayerEntry,
  { isSymlink }: { readonly isSymlink: boolean },
): void {
  changeOwnerAt(directory.fd, name, entry.uid, entry.gid);
  setAttributes(entry, (attribute, value) => setXattrAt(directory.fd, name, attribute, value));
  if (!isSymlink) changeModeAt(directory.fd, name, entry.mode);
  setTimesAt(directory.fd, name, entry);
}

/** As containerd: `trusted.` is the host's own, and what the file system or the kind of file cannot have is left out. */
function setAttributes({ attributes, kind }: LayerEntry, set: (attribute: BytePath, value: Uint8Array) => void): void {
  for (const [attribute, value] of attributes) {
    if (attribute.startsWith('trusted.')) continue;
    try {
      set(attribute, bufferFromBytePath(value));
    } catch (error) {
      if (isSystemError(error, 'ENOTSUP', 'EOPNOTSUPP')) continue;
      const isOfUsers = attribute.startsWith('user.') && kind !== 'file' && kind !== 'directory';
      if (!isOfUsers || !isSystemError(error, 'EPERM')) throw error;
    }
  }
}

const kindsOfSystemErrors = {
  ENOSPC: 'resource-exhausted',
  EDQUOT: 'resource-exhausted',
  EMFILE: 'resource-exhausted',
  EROFS: 'failed-precondition',
  EPERM: 'permission-denied',
  EACCES: 'permission-denied',
  ENAMETOOLONG: 'invalid-argument',
  EINVAL: 'invalid-argument',
  ELOOP: 'invalid-argument',
  ENOTDIR: 'invalid-argument',
  EXDEV: 'invalid-argument',
  ERANGE: 'invalid-argument',
  E2BIG: 'invalid-argument',
} as const;

/** Names the entry, and tells whose fault it is where that can be told. */
function wholeError(entry: LayerEntry, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BerthError) return error;
  const kind = Object.entries(kindsOfSystemErrors).find(([code]) => isSystemError(error, code))?.[1] ?? 'unknown';
  return new BerthError(kind, entryError(entry.name, error.message).message, { cause: error });
}
