import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { encodeFrame, type FrameHeader, frameHeaderBytes } from '../../../src/ttrpc/frame.js';
import { FrameDecoder } from '../../../src/ttrpc/frame-decoder.js';
import { maxFrameBytes } from '../../../src/ttrpc/limits.js';

interface Seen {
  readonly header: FrameHeader;
  /** undefined for an oversize frame. */
  readonly payload: string | undefined;
}

function decoder(): { readonly seen: Seen[]; readonly decoder: FrameDecoder } {
  const seen: Seen[] = [];
  return {
    seen,
    decoder: new FrameDecoder({
      frame: (header, payload) => seen.push({ header, payload: Buffer.from(payload).toString('latin1') }),
      oversize: (header) => seen.push({ header, payload: undefined }),
    }),
  };
}

const frame = (streamId: number, type: number, flags: number, payload: string): Buffer =>
  Buffer.from(encodeFrame(streamId, type, flags, (writer) => writer.raw(Buffer.from(payload, 'latin1'))));

function header(length: number, streamId: number, type: number, flags: number): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(streamId, 4);
  bytes.writeUInt8(type, 8);
  bytes.writeUInt8(flags, 9);
  return bytes;
}

describe('frames', () => {
  test('have a big-endian header of ten bytes', () => {
    assert.deepEqual(frame(0x01020305, 3, 4, 'ab'), Buffer.from([0, 0, 0, 2, 1, 2, 3, 5, 3, 4, 0x61, 0x62]));
  });

  test('over four megabytes are not made', () => {
    assert.equal(
      encodeFrame(1, 1, 0, (writer) => writer.raw(new Uint8Array(maxFrameBytes))).length,
      maxFrameBytes + 10,
    );
    assert.throws(
      () => encodeFrame(1, 1, 0, (writer) => writer.raw(new Uint8Array(maxFrameBytes + 1))),
      (error) => isBerthError(error, 'resource-exhausted'),
    );
  });
});

describe('a frame decoder', () => {
  const stream = Buffer.concat([frame(1, 1, 0, 'first'), frame(3, 3, 5, ''), frame(5, 2, 0, 'x'.repeat(300))]);
  const expected: Seen[] = [
    { header: { length: 5, streamId: 1, type: 1, flags: 0 }, payload: 'first' },
    { header: { length: 0, streamId: 3, type: 3, flags: 5 }, payload: '' },
    { header: { length: 300, streamId: 5, type: 2, flags: 0 }, payload: 'x'.repeat(300) },
  ];

  test('finds the same frames however the bytes are cut in three', () => {
    for (let first = 0; first <= stream.length; first += 1) {
      for (let second = first; second <= stream.length; second += 7) {
        const { seen, decoder: subject } = decoder();
        for (const piece of [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)]) {
          subject.push(piece);
        }
        assert.deepEqual(seen, expected, `cut at ${first} and ${second}`);
      }
    }
  });

  test('takes one byte at a time', () => {
    const { seen, decoder: subject } = decoder();
    for (const byte of stream) subject.push(Buffer.of(byte));
    assert.deepEqual(seen, expected);
  });

  test('gives a frame that lies in one piece without a copy', () => {
    const bytes = frame(1, 1, 0, 'view');
    const seen: Uint8Array[] = [];
    new FrameDecoder({ frame: (_, payload) => seen.push(payload), oversize: () => undefined }).push(bytes);
    assert.equal(seen[0]?.buffer, bytes.buffer);
  });

  test('takes a frame of exactly the largest size', () => {
    const { seen, decoder: subject } = decoder();
    const bytes = frame(7, 1, 0, 'y'.repeat(maxFrameBytes));
    for (let at = 0; at < bytes.length; at += 65_536) subject.push(bytes.subarray(at, at + 65_536));
    assert.equal(seen.length, 1);
    assert.equal(seen[0]?.payload?.length, maxFrameBytes);
  });

  test('reads past an oversize frame and tells of it', () => {
    const { seen, decoder: subject } = decoder();
    const length = maxFrameBytes + 1;
    const bytes = Buffer.concat([header(length, 9, 1, 0), Buffer.alloc(length), frame(11, 1, 0, 'next')]);
    for (let at = 0; at < bytes.length; at += 65_537) subject.push(bytes.subarray(at, at + 65_537));
    assert.deepEqual(seen, [
      { header: { length, streamId: 9, type: 1, flags: 0 }, payload: undefined },
      { header: { length: 4, streamId: 11, type: 1, flags: 0 }, payload: 'next' },
    ]);
  });

  test('passes on frames of unknown type', () => {
    const { seen, decoder: subject } = decoder();
    subject.push(frame(1, 0x10, 0xff, 'later'));
    assert.deepEqual(seen, [{ header: { length: 5, streamId: 1, type: 0x10, flags: 0xff }, payload: 'later' }]);
  });

  test('rejects what is plainly another protocol', () => {
    for (const garbage of ['GET / HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']) {
      assert.throws(
        () => decoder().decoder.push(Buffer.from(garbage)),
        (error) => isBerthError(error, 'invalid-argument') && error.message.startsWith('not a ttrpc frame'),
      );
    }
  });

  test('survives random streams, and sees what a plain reading of them sees', () => {
    const seed = Number(process.env['BERTH_TEST_SEED'] ?? randomInt(2 ** 31));
    const random = randomFrom(seed);
    for (let round = 0; round < 2_000; round += 1) {
      const bytes = randomStream(random);
      const { seen, decoder: subject } = decoder();
      const plain = readPlainly(bytes);
      let isRejected = false;
      try {
        for (let at = 0; at < bytes.length; ) {
          const end = at + 1 + Math.floor(random() * 40);
          subject.push(bytes.subarray(at, end));
          at = end;
        }
      } catch (error) {
        assert.ok(isBerthError(error, 'invalid-argument'), `seed ${seed}, round ${round}: ${String(error)}`);
        isRejected = true;
      }
      assert.deepEqual({ seen, isRejected }, plain, `seed ${seed}, round ${round}`);
    }
  });
});

/** Well-formed frames, some with a few bytes changed, and sometimes nothing but noise. */
function randomStream(random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pieces = Array.from({ length: below(6) }, () =>
    frame(below(2 ** 32), random() < 0.2 ? below(256) : 1 + below(3), below(8), 'z'.repeat(below(60))),
  );
  if (random() < 0.2) pieces.push(Buffer.from(Array.from({ length: below(30) }, () => below(256))));
  const bytes = Buffer.concat(pieces);
  if (random() < 0.5) for (let i = below(3); i > 0 && bytes.length > 0; i -= 1) bytes[below(bytes.length)] = below(256);
  return bytes;
}

function readPlainly(bytes: Buffer): { readonly seen: Seen[]; readonly isRejected: boolean } {
  const seen: Seen[] = [];
  for (let at = 0; at + frameHeaderBytes <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.readUInt8(at + 8);
    if (length > maxFrameBytes && (type < 1 || type > 3)) return { seen, isRejected: true };
    const end = at + frameHeaderBytes + length;
    if (end > bytes.length) break;
    seen.push({
      header: { length, streamId: bytes.readUInt32BE(at + 4), type, flags: bytes.readUInt8(at + 9) },
      payload: bytes.toString('latin1', at + frameHeaderBytes, end),
    });
    at = end;
  }
  return { seen, isRejected: false };
}

/** mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
