// Reads a blob in pieces, one piece ahead of the caller, into two buffers in turn: buffers of this size that are used
// once cost the garbage collector more than reading costs. Small reads are served from the blob's window.
import type { FileHandle } from 'node:fs/promises';
import { parseDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import type { ImageStorage } from '../image-storage.js';
import { type BlobWindow, maxWindowReadBytes } from './blob-window.js';
import { getBlob } from './blobs.js';

/** Bytes of one piece: well below the 4 MiB that a Go client takes in one message by default. */
const pieceBytes = 1024 * 1024;

/** Buffers of small pieces that are kept for the next. */
const maxSpareMemory = 8;
const spareMemory: Buffer[] = [];

export interface BlobRange {
  readonly offset: number;
  /** 0 or less reads to the end; so does more than there is. */
  readonly size: number;
  /** Bytes that the caller wants free before the data of each piece, for its own use. */
  readonly headroom: number;
}

/** Good until the next is asked for. */
export interface BlobPiece {
  readonly offset: number;
  /** Begins with the headroom. */
  readonly buffer: Buffer;
}

export async function* readBlob(
  storage: ImageStorage,
  namespace: string,
  digest: string,
  range: BlobRange,
): AsyncGenerator<BlobPiece, void, undefined> {
  const blob = await getBlob(storage, namespace, digest);
  const start = Math.max(range.offset, 0);
  if (start > blob.size) {
    throw new BerthError('out-of-range', `content ${digest} has ${blob.size} bytes: cannot read at ${start}`);
  }
  const end = range.size <= 0 ? blob.size : Math.min(start + range.size, blob.size);
  const span = { start, end, size: blob.size, headroom: range.headroom };
  yield* storage.openBlobs.lend(parseDigest(digest), ({ file, window }) =>
    end - start <= maxWindowReadBytes ? readSmall(window, span) : readPieces(file, span),
  );
}

interface Span {
  readonly start: number;
  readonly end: number;
  /** Of the blob. */
  readonly size: number;
  readonly headroom: number;
}

async function* readSmall(
  window: BlobWindow,
  { start, end, size, headroom }: Span,
): AsyncGenerator<BlobPiece, void, undefined> {
  if (start === end) return;
  const spare = spareMemory.pop();
  const length = headroom + end - start;
  const memory = spare !== undefined && spare.length >= length ? spare : Buffer.allocUnsafe(length);
  const buffer = memory.subarray(0, length);
  const copied = await window.copyTo(buffer.subarray(headroom), { start, end, size });
  if (copied < end - start) throw endsEarly(start + copied, end);
  yield { offset: start, buffer };
  // Not reached by one who leaves early, and whose transport may have it still.
  if (spareMemory.length < maxSpareMemory) spareMemory.push(memory);
}

async function* readPieces(
  file: FileHandle,
  { start, end, headroom }: Span,
): AsyncGenerator<BlobPiece, void, undefined> {
  const buffers: Buffer[] = [];
  const read = async (offset: number, turn: number): Promise<Buffer> => {
    const length = Math.min(pieceBytes, end - offset);
    const buffer = (buffers[turn % 2] ??= Buffer.allocUnsafe(headroom + length));
    const { bytesRead } = await file.read(buffer, headroom, length, offset);
    return buffer.subarray(0, headroom + bytesRead);
  };
  let ahead: Promise<Buffer> | undefined;
  try {
    for (let offset = start, turn = 0; offset < end; turn++) {
      const buffer = await (ahead ?? read(offset, turn));
      const next = offset + buffer.length - headroom;
      if (next === offset) throw endsEarly(offset, end);
      ahead = next < end ? read(next, turn + 1) : undefined;
      yield { offset, buffer };
      offset = next;
    }
  } finally {
    // The caller may have left early; the file is given back only when nothing reads from it.
    await ahead?.catch(() => undefined);
  }
}

function endsEarly(at: number, end: number): BerthError {
  return new BerthError('data-loss', `a blob ends at ${at}, before byte ${end}`);
}
