// Reads a blob in pieces, one piece ahead of the caller.
import type { FileHandle } from 'node:fs/promises';
import { parseDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import type { ImageStorage } from '../image-storage.js';
import { getBlob } from './blobs.js';

/** Bytes of one piece: well below the 4 MiB that a Go client takes in one message by default. */
const pieceBytes = 1024 * 1024;

export interface BlobRange {
  readonly offset: number;
  /** 0 or less reads to the end; so does more than there is. */
  readonly size: number;
}

export interface BlobPiece {
  readonly offset: number;
  readonly data: Buffer;
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
  yield* storage.openBlobs.lend(parseDigest(digest), (file) => readPieces(file, start, end));
}

async function* readPieces(file: FileHandle, start: number, end: number): AsyncGenerator<BlobPiece, void, undefined> {
  let ahead: Promise<Buffer> | undefined;
  try {
    for (let offset = start; offset < end; ) {
      const data = await (ahead ?? readPiece(file, offset, end));
      if (data.length === 0) throw new BerthError('data-loss', `a blob ends at ${offset}, before byte ${end}`);
      const next = offset + data.length;
      ahead = next < end ? readPiece(file, next, end) : undefined;
      yield { offset, data };
      offset = next;
    }
  } finally {
    // The caller may have left early; the file is given back only when nothing reads from it.
    await ahead?.catch(() => undefined);
  }
}

async function readPiece(file: FileHandle, offset: number, end: number): Promise<Buffer> {
  const length = Math.min(pieceBytes, end - offset);
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
