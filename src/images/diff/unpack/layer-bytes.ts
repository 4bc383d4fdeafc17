// The bytes of a layer's tar: read from the blob, decompressed, counted and digested on both sides of the decompression.
import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { pipeline, Readable, type TransformOptions } from 'node:stream';
import { createGunzip, type ZlibOptions } from 'node:zlib';
import { type Digest, type DigestAlgorithm, formatDigest } from '../../../domain/digest.js';
import { BerthError, messageOf } from '../../../domain/errors.js';
import { decompressZstd } from './zstd.js';

export interface LayerBlob {
  /** Open for reading; the caller closes it. */
  readonly fd: number;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Whether the blob may be compressed, which its first bytes then tell, as in containerd. */
  readonly mayBeCompressed: boolean;
}

export interface LayerSummary {
  readonly digest: string;
  readonly size: number;
}

/** Bytes read from the blob, and decompressed, at a time. */
const chunkBytes = 64 * 1024;
const summaryAlgorithm: DigestAlgorithm = 'sha256';
const gzipMagic = Buffer.from([0x1f, 0x8b, 0x08]);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** Of a zstd frame that carries no content; the lowest four bits may be any. */
const zstdSkippableMagic = 0x184d_2a50;

export class LayerBytes implements AsyncIterable<Buffer> {
  readonly #blob: LayerBlob;
  readonly #maxBytes: number;
  readonly #hash: Hash = createHash(summaryAlgorithm);
  #size = 0;

  constructor(blob: LayerBlob, limits: { readonly maxBytes: number }) {
    this.#blob = blob;
    this.#maxBytes = limits.maxBytes;
  }

  /** Once it was read to its end; fails there when the blob is not what its digest says. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of decompress(readBlob(this.#blob), this.#blob)) {
      this.#size += chunk.length;
      if (this.#size > this.#maxBytes) throw tooLarge(this.#blob, this.#maxBytes);
      this.#hash.update(chunk);
      yield chunk;
    }
  }

  /** Of the uncompressed layer, to be asked for once, at the end. */
  summary(): LayerSummary {
    return { digest: `${summaryAlgorithm}:${this.#hash.digest('hex')}`, size: this.#size };
  }
}

/** Throws `resource-exhausted` for a layer of more bytes than are allowed. */
export function tooLarge({ digest }: Pick<LayerBlob, 'digest'>, maxBytes: number): BerthError {
  const message = `layer ${formatDigest(digest)} has more than ${maxBytes} bytes uncompressed (unpack_max_bytes)`;
  return new BerthError('resource-exhausted', message);
}

function* readBlob({ fd, digest, size }: LayerBlob): Generator<Buffer, void, undefined> {
  const hash = createHash(digest.algorithm);
  let position = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const count = readSync(fd, chunk, 0, chunkBytes, position);
    if (count === 0) break;
    position += count;
    const bytes = chunk.subarray(0, count);
    hash.update(bytes);
    yield bytes;
  }
  const hex = hash.digest('hex');
  if (position !== size || hex !== digest.hex) {
    const message = `content ${formatDigest(digest)} is damaged: it has ${position} bytes of ${size} and digest ${hex}`;
    throw new BerthError('data-loss', message);
  }
}

async function* decompress(
  chunks: Generator<Buffer, void, undefined>,
  blob: LayerBlob,
): AsyncGenerator<Buffer, void, undefined> {
  const first = chunks.next();
  if (first.done === true) return;
  const all = withFirst(first.value, chunks);
  const compression = blob.mayBeCompressed ? compressionOf(first.value) : 'none';
  try {
    if (compression === 'none') yield* all;
    else if (compression === 'zstd') yield* decompressZstd(all);
    else yield* decompressGzip(all);
  } catch (error) {
    if (error instanceof BerthError) throw error;
    const message = `layer ${formatDigest(blob.digest)} cannot be decompressed: ${messageOf(error)}`;
    throw new BerthError('invalid-argument', message, { cause: error });
  }
}

/** Chunks that are decompressed, on a thread of libuv's, while the last one is unpacked. */
const chunksAhead = 16;
const gunzipOptions: ZlibOptions & TransformOptions = {
  chunkSize: chunkBytes,
  readableHighWaterMark: chunksAhead * chunkBytes,
};

async function* decompressGzip(chunks: Iterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = createGunzip(gunzipOptions);
  // What fails comes out of the iteration.
  pipeline(Readable.from(chunks), gunzip, () => undefined);
  for await (const chunk of gunzip) yield chunk as Buffer;
}

function* withFirst<T>(first: T, rest: Iterable<T>): Generator<T, void, undefined> {
  yield first;
  yield* rest;
}

function compressionOf(start: Buffer): 'none' | 'gzip' | 'zstd' {
  if (start.subarray(0, gzipMagic.length).equals(gzipMagic)) return 'gzip';
  if (start.subarray(0, zstdMagic.length).equals(zstdMagic)) return 'zstd';
  const isSkippable = start.length >= 8 && ((start.readUInt32LE(0) ^ zstdSkippableMagic) & 0xffff_fff0) === 0;
  return isSkippable ? 'zstd' : 'none';
}
