// The generated messages are the independent reading: other code, written from the .proto files.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BerthError, isBerthError } from '../../../src/domain/errors.js';
import { Any } from '../../../src/generated/google/protobuf/any.js';
import { Request, Response } from '../../../src/generated/ttrpc/request.js';
import {
  decodeMessage,
  decodeRequest,
  decodeResponse,
  encodeData,
  encodeFailure,
  encodeRequest,
  encodeResponse,
  metadataFrom,
} from '../../../src/ttrpc/envelope.js';
import { frameHeaderBytes } from '../../../src/ttrpc/frame.js';
import { maxMetadataBytes, maxStatusMessageChars } from '../../../src/ttrpc/limits.js';
import { text } from './echo.js';

const payloadOf = (frame: Uint8Array): Uint8Array => frame.subarray(frameHeaderBytes);

const isExhausted = (error: unknown): boolean => isBerthError(error, 'resource-exhausted');

const headerOf = (frame: Uint8Array): number[] => [...frame.subarray(4, frameHeaderBytes)];

describe('a request', () => {
  const message = text('x'.repeat(1_000));
  const frame = encodeRequest(
    5,
    2,
    {
      service: 'containerd.task.v2.Task',
      method: 'Créate',
      timeoutNanos: 3_000_000_000_000n,
      metadata: metadataFrom({ 'Containerd-Namespace': 'default', many: ['a', 'b'] }),
    },
    (writer) => Any.encode(message, writer),
  );

  test('is written as the protocol has it', () => {
    assert.deepEqual(headerOf(frame), [0, 0, 0, 5, 1, 2]);
    const request = Request.decode(payloadOf(frame));
    assert.equal(request.service, 'containerd.task.v2.Task');
    assert.equal(request.method, 'Créate');
    assert.equal(request.timeoutNano, 3_000_000_000_000n);
    assert.deepEqual(
      request.metadata.map(({ key, value }) => [key, value]),
      [
        ['containerd-namespace', 'default'],
        ['many', 'a'],
        ['many', 'b'],
      ],
    );
    assert.equal(Any.decode(request.payload).typeUrl, message.typeUrl);
  });

  test('is read as it was written, by us and by the generated code', () => {
    for (const bytes of [payloadOf(frame), Request.encode(Request.decode(payloadOf(frame))).finish()]) {
      const request = decodeRequest(bytes);
      assert.equal(request.service, 'containerd.task.v2.Task');
      assert.equal(request.method, 'Créate');
      assert.equal(request.timeoutNanos, 3_000_000_000_000n);
      assert.deepEqual(
        [...request.metadata],
        [
          ['containerd-namespace', ['default']],
          ['many', ['a', 'b']],
        ],
      );
      assert.equal(decodeMessage(Any, request.payload).typeUrl, message.typeUrl);
    }
  });

  test('that was late when it was sent has a negative timeout', () => {
    assert.equal(decodeRequest(Request.encode(Request.fromPartial({ timeoutNano: -5n })).finish()).timeoutNanos, -5n);
  });

  test('of an unknown field, also as a group, is read without it', () => {
    const unknown = Buffer.from([0x9a, 0x06, 1, 7, 0xa3, 0x06, 0x08, 1, 0xa4, 0x06]);
    assert.equal(decodeRequest(Buffer.concat([payloadOf(frame), unknown])).method, 'Créate');
  });

  test('cut short anywhere inside a field is refused', () => {
    const bytes = payloadOf(frame);
    const firstFieldBytes = 2 + 'containerd.task.v2.Task'.length;
    for (let length = 1; length < firstFieldBytes; length += 1) {
      assert.throws(() => decodeRequest(bytes.subarray(0, length)), `${length} bytes`);
    }
  });

  test('with too much metadata is refused by either side', () => {
    const value = 'v'.repeat(maxMetadataBytes);
    assert.throws(() => metadataFrom({ key: value }), isExhausted);
    assert.throws(
      () => decodeRequest(Request.encode(Request.fromPartial({ metadata: [{ key: 'key', value }] })).finish()),
      isExhausted,
    );
  });
});

describe('a response', () => {
  test('carries its payload and no status', () => {
    const frame = encodeResponse(7, (writer) => Any.encode(text('ok'), writer));
    assert.deepEqual(headerOf(frame), [0, 0, 0, 7, 2, 0]);
    const response = Response.decode(payloadOf(frame));
    assert.equal(response.status, undefined);
    assert.equal(Any.decode(response.payload).typeUrl, 'ok');
    assert.equal(decodeResponse(payloadOf(frame)).status, undefined);
  });

  test('of a failure is a google.rpc.Status', () => {
    const frame = encodeFailure(7, new BerthError('not-found', 'task "x" is not there'));
    const { status } = Response.decode(payloadOf(frame));
    assert.equal(status?.code, 5);
    assert.equal(status?.message, 'task "x" is not there');
    assert.deepEqual(decodeResponse(payloadOf(frame)).status, { code: 5, message: 'task "x" is not there' });
  });

  test('cuts the message of a failure that would not fit', () => {
    const frame = encodeFailure(7, new BerthError('unknown', 'é'.repeat(5_000_000)));
    assert.equal(decodeResponse(payloadOf(frame)).status?.message, 'é'.repeat(maxStatusMessageChars));
  });
});

test('data without a message is an empty frame', () => {
  assert.deepEqual([...encodeData(3, 5)], [0, 0, 0, 0, 0, 0, 0, 3, 3, 5]);
});

test('a message followed by a zero tag is refused, not read as an empty one', () => {
  assert.throws(() => decodeMessage(Any, Buffer.from([0, 1, 2, 3])), /illegal tag/);
});
