// A piece of a blob as an encoded ReadContentResponse, around the data where it lies: the generated encoder would copy it
// twice.
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { BlobPiece } from '../images/content/read-blob.js';

/** Bytes: two tags and two varints of at most ten bytes each. */
export const pieceHeadroom = 22;

/** Tags of field 1, `offset`, a varint, and of field 2, `data`, with its length before it. */
const offsetTag = 8;
const dataTag = 18;

export function encodePiece({ offset, buffer }: BlobPiece): Buffer {
  const writer = new BinaryWriter();
  if (offset > 0) writer.uint32(offsetTag).int64(BigInt(offset));
  const head = writer
    .uint32(dataTag)
    .uint32(buffer.length - pieceHeadroom)
    .finish();
  const start = pieceHeadroom - head.length;
  buffer.set(head, start);
  return buffer.subarray(start);
}
