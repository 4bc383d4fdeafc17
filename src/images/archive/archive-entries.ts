// The files of a tar that comes as a stream, plain or by gzip, each read before the next.
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { BerthError, isBerthError, messageOf } from '../../domain/errors.js';

export interface ArchiveEntry {
  /** Without `./` before it. */
  readonly path: string;
  readonly kind: 'file' | 'link';
  /** Of a file: bytes. */
  readonly size: number;
  /** Of a link: the path in the archive that it leads to. */
  readonly target: string;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Of one archive; images have a few files for each layer. */
const maxEntries = 65_536;
const gzipMagic = Buffer.from([0x1f, 0x8b]);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const magicBytes = 4;

export async function* archiveEntries(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const tar = extract() as unknown as TarSink & AsyncIterable<TarEntry> & { destroy(error?: Error): void };
  let failure: unknown;
  const feeding = feed(decompressed(source), tar).catch((error: unknown) => {
    failure = error;
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  let count = 0;
  try {
    for await (const entry of tar) {
      count++;
      if (count > maxEntries) throw new BerthError('invalid-argument', `the archive has more than ${maxEntries} files`);
      const found = entryFrom(
        entry,
        readable(entry, (error) => reasonOf(failure ?? error)),
      );
      if (found !== undefined) yield found;
      // What nobody has read is to be skipped.
      entry.resume();
    }
  } catch (error) {
    throw reasonOf(failure ?? error);
  } finally {
    tar.destroy();
    await feeding;
  }
}

function reasonOf(error: unknown): unknown {
  if (isBerthError(error)) return error;
  return new BerthError('invalid-argument', `no valid tar archive: ${messageOf(error)}`, { cause: error });
}

async function* readable(content: AsyncIterable<Uint8Array>, reason: (error: unknown) => unknown) {
  try {
    yield* content;
  } catch (error) {
    throw reason(error);
  }
}

interface TarEntry extends AsyncIterable<Uint8Array> {
  readonly header: {
    readonly name: string;
    readonly type?: string | null;
    readonly size?: number;
    readonly linkname?: string | null;
  };
  resume(): unknown;
}

interface TarSink {
  write(chunk: Uint8Array): boolean;
  end(...nothing: never[]): unknown;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
  readonly destroyed: boolean;
}

async function feed(source: AsyncIterable<Uint8Array>, tar: TarSink): Promise<void> {
  for await (const chunk of source) {
    if (tar.destroyed) return;
    if (!tar.write(chunk)) {
      await roomIn(tar);
    }
  }
  tar.end();
}

/** Or until it takes nothing more. */
async function roomIn(tar: TarSink): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      tar.off('drain', stop);
      tar.off('close', stop);
      resolve();
    };
    tar.on('drain', stop);
    tar.on('close', stop);
  });
}

/** The first bytes tell how it is compressed. */
async function* decompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < magicBytes) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  if (head.length === 0) throw new BerthError('invalid-argument', 'the archive is empty');
  if (head.subarray(0, zstdMagic.length).equals(zstdMagic)) {
    throw new BerthError('unimplemented', 'archives by zstd are not read: decompress it first (zstd -dc)');
  }
  const all = withHead(head, { [Symbol.asyncIterator]: () => iterator });
  if (!head.subarray(0, gzipMagic.length).equals(gzipMagic)) {
    yield* all;
    return;
  }
  const gunzip = createGunzip();
  const feeding = feed(all, gunzip).catch((error: Error) => void gunzip.destroy(error));
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } finally {
    gunzip.destroy();
    await feeding;
  }
}

async function* withHead(head: Buffer, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield head;
  yield* rest;
}

/** Undefined for what is neither file nor link. */
function entryFrom({ header }: TarEntry, content: ArchiveEntry['content']): ArchiveEntry | undefined {
  const { name, type, size = 0, linkname } = header;
  const path = normalized(name);
  if (type === 'file' || type === 'contiguous-file') return { path, kind: 'file', size, target: '', content };
  if (type === 'link') return { path, kind: 'link', size: 0, target: normalized(linkname ?? ''), content };
  if (type !== 'symlink') return undefined;
  // A symbolic link is told from where it lies.
  return { path, kind: 'link', size: 0, target: normalized(`${path}/../${linkname ?? ''}`), content };
}

/** A name for looking up only: no path on this host is made of it. */
function normalized(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
