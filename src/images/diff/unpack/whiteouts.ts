// What a layer takes away from those below: `.wh.NAME` hides one name, `.wh..wh..opq` all that was in the directory.
// Either way only what lies below is meant, never what the same layer brings.
import { closeSync } from 'node:fs';
import type { BytePath } from '../../../linux/byte-path.js';
import { changeOwnerAt, makeNodeAt, readDirectory, removeTreeAt } from '../../../linux/directory-calls.js';
import { openDirectoryInRoot } from '../../../linux/open-in-root.js';
import { type FileStatus, statusAt } from '../../../linux/file-status.js';
import { isSystemError } from '../../../linux/libc.js';
import { setXattrAt } from '../../../linux/xattr.js';
import type { LayerDirectory } from './layer-root.js';
import { pathIn, UnpackedPaths } from './unpacked-paths.js';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Whiteouts {
  /** The layer has brought something at `path`. */
  brought(path: BytePath): void;
  /** Returns whether something was removed that names may lead through. */
  hide(directory: LayerDirectory, name: BytePath, owner: Owner): boolean;
  hideAll(directory: LayerDirectory): boolean;
  /** A directory of the layer takes the place of `replaced`. */
  replaced(directory: LayerDirectory, name: BytePath, replaced: FileStatus): void;
}

export interface ParsedWhiteout {
  /** Undefined hides all. */
  readonly hidden: BytePath | undefined;
}

const prefix = '.wh.';
const metaPrefix = '.wh..wh.';
const opaqueName = '.wh..wh..opq';

/** Undefined for a name that is no whiteout; one that hides nothing that can be is `invalid`. */
export function parseWhiteout(name: BytePath): ParsedWhiteout | 'invalid' | undefined {
  if (!name.startsWith(prefix)) return undefined;
  if (name === opaqueName) return { hidden: undefined };
  const hidden = name.slice(prefix.length);
  return hidden === '' || hidden === '.' || hidden === '..' ? 'invalid' : { hidden };
}

/** What aufs keeps for itself (.wh..wh.plnk and the like): not part of the layer. */
export function isAufsMetadata(path: BytePath): boolean {
  return path.startsWith(metaPrefix) && path !== opaqueName;
}

/** In the upper directory of an overlay, which marks what it hides. */
export class OverlayWhiteouts implements Whiteouts {
  readonly #opaqueAttribute: string;

  constructor(namespace: 'trusted' | 'user') {
    this.#opaqueAttribute = `${namespace}.overlay.opaque`;
  }

  brought(): void {
    // The marks tell.
  }

  hide(directory: LayerDirectory, name: BytePath, { uid, gid }: Owner): boolean {
    try {
      makeNodeAt(directory.fd, name, { kind: 'character-device', mode: 0, major: 0, minor: 0 });
    } catch (error) {
      if (!isSystemError(error, 'EEXIST')) throw error;
      // What the layer itself brings hides a file below by being there, but is merged with a directory below.
      if (statusAt(directory.fd, name).kind === 'directory') this.#makeOpaque(directory.fd, name);
      return false;
    }
    changeOwnerAt(directory.fd, name, uid, gid);
    return false;
  }

  hideAll(directory: LayerDirectory): boolean {
    this.#makeOpaque(directory.fd, '');
    return false;
  }

  replaced(directory: LayerDirectory, name: BytePath, status: FileStatus): void {
    if (isWhiteout(status)) this.#makeOpaque(directory.fd, name);
  }

  #makeOpaque(directory: number, name: BytePath): void {
    setXattrAt(directory, name, this.#opaqueAttribute, Buffer.from('y'));
  }
}

/** In a directory that holds the whole tree: what is hidden is removed. */
export class PlainWhiteouts implements Whiteouts {
  readonly #unpacked = new UnpackedPaths();

  brought(path: BytePath): void {
    this.#unpacked.add(path);
  }

  hide(directory: LayerDirectory, name: BytePath): boolean {
    const path = pathIn(directory.path, name);
    if (!this.#unpacked.has(path)) {
      removeTreeAt(directory.fd, name);
    } else if (statusAt(directory.fd, name).kind === 'directory') {
      const fd = openDirectoryInRoot(directory.fd, name);
      try {
        this.hideAll({ fd, path });
      } finally {
        closeSync(fd);
      }
    }
    return true;
  }

  hideAll(directory: LayerDirectory): boolean {
    for (const name of readDirectory(directory.fd)) this.hide(directory, name);
    return true;
  }

  replaced(): void {
    // What was replaced is gone, and hid nothing.
  }
}

/** How an overlay's upper directory marks a name that is hidden. */
export function isWhiteout({ kind, deviceMajor, deviceMinor }: FileStatus): boolean {
  return kind === 'character-device' && deviceMajor === 0 && deviceMinor === 0;
}
