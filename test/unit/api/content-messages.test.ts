// The hand-made ends of Content's messages say what the generated code says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePiece, pieceHeadroom } from '../../../src/api/content-piece.js';
import { decodeWriteRequest } from '../../../src/api/content-request.js';
import {
  ReadContentResponse,
  WriteAction,
  WriteContentRequest,
} from '../../../src/generated/containerd/services/content/v1/content.js';

function piece(offset: number, text: string) {
  return { offset, buffer: Buffer.concat([Buffer.alloc(pieceHeadroom), Buffer.from(text)]) };
}

test('pieces of a blob decode to their offset and data', () => {
  for (const offset of [0, 1, 127, 128, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
    for (const text of ['x', 'y'.repeat(1_000_000)]) {
      const decoded = ReadContentResponse.decode(encodePiece(piece(offset, text)));
      assert.deepEqual([decoded.offset, decoded.data.toString()], [BigInt(offset), text]);
    }
  }
});

test('write requests decode as the generated code has them', () => {
  const whole = {
    action: WriteAction.COMMIT,
    ref: 'layer',
    total: 5n,
    expected: 'sha256:x',
    offset: 2n ** 40n,
    data: Buffer.from('bytes'),
    labels: { a: '1', 'b.c': '2' },
  };
  const empty = WriteContentRequest.fromPartial({});
  const requests = [whole, empty, { ...empty, data: Buffer.from('only') }, { ...whole, data: Buffer.alloc(0) }];
  for (const request of requests) {
    const bytes = Buffer.from(WriteContentRequest.encode(request).finish());
    assert.deepEqual(decodeWriteRequest(bytes), WriteContentRequest.decode(bytes));
  }
});

test('the data of a write request is not copied', () => {
  const request = WriteContentRequest.fromPartial({ ref: 'r', data: Buffer.from('in place') });
  const bytes = Buffer.from(WriteContentRequest.encode(request).finish());
  assert.equal(decodeWriteRequest(bytes).data.buffer, bytes.buffer);
});

test('a write request that is cut off is refused', () => {
  const request = WriteContentRequest.fromPartial({ ref: 'r', data: Buffer.from('in place') });
  const bytes = Buffer.from(WriteContentRequest.encode(request).finish());
  assert.throws(() => decodeWriteRequest(bytes.subarray(0, -1)));
});
