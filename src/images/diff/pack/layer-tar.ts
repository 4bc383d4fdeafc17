// The tar of a layer, as the bytes come: an entry for each change, hard links kept, whiteouts for what is hidden.
import { closeSync, constants, readlinkSync, readSync } from 'node:fs';
import { failpoint } from '../../../base/failpoint.js';
import { BerthError } from '../../../domain/errors.js';
import { type BytePath, bufferFromBytePath, textFromBytePath } from '../../../linux/byte-path.js';
import { openAt } from '../../../linux/directory-calls.js';
import { statusAt } from '../../../linux/file-status.js';
import type { EntryKind } from '../unpack/layer-entry.js';
import { nameOf, parentOf, pathIn } from '../unpack/unpacked-paths.js';
import { type FoundFile, layerAttributes, type LayerChange } from './layer-change.js';
import { encodeHeader, endOfArchive, type PackedEntry, padding } from './tar-header.js';

export interface LayerTarOptions {
  /** The latest time that an entry may carry, for layers that are to be the same whenever they are made. */
  readonly latestNanos: bigint | undefined;
}

const readBytes = 256 * 1024;
const nanosPerSecond = 1_000_000_000n;

export function* layerTar(
  changes: Iterable<LayerChange>,
  options: LayerTarOptions,
): Generator<Buffer, void, undefined> {
  const links = new LinkNames();
  for (const change of changes) {
    switch (change.type) {
      case 'present':
        yield* entryOf(change.file, links, options);
        break;
      case 'unchanged':
        yield* unchangedName(change.file, links, options);
        break;
      case 'hidden':
        yield encodeHeader(whiteout(pathIn(parentOf(change.path), `.wh.${nameOf(change.path)}`)));
        break;
      case 'opaque':
        yield encodeHeader(whiteout(pathIn(change.path, '.wh..wh..opq')));
    }
    failpoint('pack.entry-written');
  }
  yield endOfArchive;
}

/** Which names a file with several has, and which of them has brought its content. */
class LinkNames {
  readonly #packed = new Map<string, BytePath>();
  readonly #unchanged = new Map<string, BytePath[]>();

  packedName({ status }: FoundFile): BytePath | undefined {
    return this.#packed.get(status.inode);
  }

  /** Remembers the name that brings the content, and gives the unchanged ones that are to be links to it. */
  pack({ status, path }: FoundFile): BytePath[] {
    if (status.links < 2 || status.kind === 'directory') return [];
    this.#packed.set(status.inode, path);
    const names = this.#unchanged.get(status.inode) ?? [];
    this.#unchanged.delete(status.inode);
    return names;
  }

  keepUnchanged({ status, path }: FoundFile): void {
    this.#unchanged.set(status.inode, [...(this.#unchanged.get(status.inode) ?? []), path]);
  }
}

function* entryOf(file: FoundFile, links: LinkNames, options: LayerTarOptions): Generator<Buffer, void, undefined> {
  const target = links.packedName(file);
  if (target !== undefined) {
    yield encodeHeader(linkEntry(file, file.path, target, options));
    return;
  }
  const unchanged = links.pack(file);
  if (file.status.kind === 'file') yield* fileEntry(file, options);
  else yield encodeHeader(packedEntry(file, options));
  for (const name of unchanged) yield encodeHeader(linkEntry(file, name, file.path, options));
}

/** An old name of a file that has a new name as well must stay a name of it. */
function* unchangedName(
  file: FoundFile,
  links: LinkNames,
  options: LayerTarOptions,
): Generator<Buffer, void, undefined> {
  const target = links.packedName(file);
  if (target === undefined) links.keepUnchanged(file);
  else yield encodeHeader(linkEntry(file, file.path, target, options));
}

/** Its status is taken anew from the open file: the size must be that of what is read. */
function* fileEntry(found: FoundFile, options: LayerTarOptions): Generator<Buffer, void, undefined> {
  const fd = openAt(found.directory, found.name, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = statusAt(fd, '');
    yield encodeHeader(packedEntry({ ...found, status }, options));
    for (let left = status.size; left > 0; ) {
      const bytes = Buffer.allocUnsafe(Math.min(readBytes, left));
      const count = readSync(fd, bytes, 0, bytes.length, null);
      if (count === 0) {
        throw new BerthError('failed-precondition', `${textFromBytePath(found.path)} became shorter while it was read`);
      }
      left -= count;
      yield bytes.subarray(0, count);
    }
    yield padding(status.size);
  } finally {
    closeSync(fd);
  }
}

function packedEntry(file: FoundFile, { latestNanos }: LayerTarOptions): PackedEntry {
  const { status, path } = file;
  const kind = kindOf(file);
  const isDevice = kind === 'character-device' || kind === 'block-device';
  const { modifiedNanos } = status;
  const nanos = latestNanos !== undefined && modifiedNanos > latestNanos ? latestNanos : modifiedNanos;
  return {
    name: kind === 'directory' ? `${path}/` : path,
    kind,
    mode: status.mode,
    uid: status.uid,
    gid: status.gid,
    size: kind === 'file' ? status.size : 0,
    // As containerd: to the second, down.
    modifiedSeconds: BigInt.asIntN(
      64,
      (nanos - (((nanos % nanosPerSecond) + nanosPerSecond) % nanosPerSecond)) / nanosPerSecond,
    ),
    linkName: kind === 'symlink' ? targetOf(file) : '',
    major: isDevice ? status.deviceMajor : 0,
    minor: isDevice ? status.deviceMinor : 0,
    attributes: layerAttributes(file),
  };
}

function linkEntry(file: FoundFile, name: BytePath, target: BytePath, options: LayerTarOptions): PackedEntry {
  return { ...packedEntry(file, options), name, kind: 'link', size: 0, linkName: target, major: 0, minor: 0 };
}

function kindOf({ path, status: { kind } }: FoundFile): EntryKind {
  if (kind === 'socket' || kind === 'unknown') {
    throw new BerthError('unimplemented', `a layer cannot hold ${textFromBytePath(path)}, a file of kind ${kind}`);
  }
  return kind;
}

function targetOf({ directory, name }: FoundFile): BytePath {
  return readlinkSync(bufferFromBytePath(`/proc/self/fd/${directory}/${name}`), 'latin1');
}

function whiteout(name: BytePath): PackedEntry {
  const nothing = { mode: 0, uid: 0, gid: 0, size: 0, modifiedSeconds: 0n, linkName: '', major: 0, minor: 0 };
  return { ...nothing, name, kind: 'file', attributes: new Map() };
}
