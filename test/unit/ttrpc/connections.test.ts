import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { type ErrorKind, isBerthError } from '../../../src/domain/errors.js';
import { Any } from '../../../src/generated/google/protobuf/any.js';
import { Request } from '../../../src/generated/ttrpc/request.js';
import { connectTtrpc } from '../../../src/ttrpc/client.js';
import { decodeResponse, encodeData, encodeRequest } from '../../../src/ttrpc/envelope.js';
import { closeFlags, encodeFrame, type FrameHeader, frameTypes } from '../../../src/ttrpc/frame.js';
import { FrameDecoder } from '../../../src/ttrpc/frame-decoder.js';
import { maxFrameBytes, maxMetadataBytes } from '../../../src/ttrpc/limits.js';
import { implement, serveTtrpc } from '../../../src/ttrpc/server.js';
import { bytes, echo, EchoDefinition, type EchoServer, startEcho, text } from './echo.js';

const is =
  (kind: ErrorKind, message = '') =>
  (error: unknown): boolean =>
    isBerthError(error, kind) && error.message.includes(message);

const soon = { limitMs: 5_000, intervalMs: 2 };

test('frames cut at every byte, and a byte at a time, are answered', async () => {
  await using server = await startEcho();
  const request = requestFrame(1, 'Unary', text('pieces'));
  const raw = openRaw(server);
  let streamId = 1;
  for (let cut = 1; cut < request.length; cut += 1) {
    const frame = requestFrame(streamId, 'Unary', text('pieces'));
    raw.socket.write(frame.subarray(0, cut));
    // Its own turn, so that the pieces are not joined on their way.
    await new Promise((resolve) => setImmediate(resolve));
    raw.socket.write(frame.subarray(cut));
    assert.deepEqual(await raw.answer(streamId), { code: 0, text: 'pieces' }, `cut at ${cut}`);
    streamId += 2;
  }
  for (const byte of requestFrame(streamId, 'Unary', text('bytes'))) {
    raw.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await raw.answer(streamId), { code: 0, text: 'bytes' });
});

test('what breaks the protocol is answered on its stream, and the connection goes on', async () => {
  await using server = await startEcho();
  const raw = openRaw(server);
  const invalid = 3;
  raw.socket.write(requestFrame(2, 'Unary', text('even')));
  assert.equal((await raw.answer(2)).code, invalid);
  raw.socket.write(encodeFrame(5, frameTypes.request, 0, (writer) => writer.raw(Buffer.from('not a message'))));
  assert.equal((await raw.answer(5)).code, invalid);
  raw.socket.write(requestFrame(3, 'Unary', text('id goes back')));
  assert.equal((await raw.answer(3)).code, invalid);
  raw.socket.write(encodeData(99, closeFlags));
  assert.equal((await raw.answer(99)).code, invalid);
  const tooMuch = Request.fromPartial({ metadata: [{ key: 'k', value: 'v'.repeat(maxMetadataBytes) }] });
  raw.socket.write(encodeFrame(101, frameTypes.request, 0, (writer) => Request.encode(tooMuch, writer)));
  assert.equal((await raw.answer(101)).code, 8);
  raw.socket.write(encodeFrame(103, 77, 0, (writer) => writer.raw(Buffer.from('of a later version'))));
  raw.socket.write(requestFrame(105, 'Unary', text('fine')));
  assert.deepEqual(await raw.answer(105), { code: 0, text: 'fine' });
  assert.equal(raw.answers.has(103), false);
});

test('an oversize frame is read past and answered', async () => {
  await using server = await startEcho();
  const raw = openRaw(server);
  raw.socket.write(oversizeFrame(1));
  assert.equal((await raw.answer(1)).code, 8);
  raw.socket.write(requestFrame(3, 'Unary', text('after')));
  assert.deepEqual(await raw.answer(3), { code: 0, text: 'after' });
});

test('data that no stream takes fails its call only', async () => {
  await using server = await startEcho({
    unary: (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  });
  const raw = openRaw(server);
  raw.socket.write(requestFrame(1, 'Unary', text('')));
  raw.socket.write(encodeData(1, 0, (writer) => Any.encode(text('stray'), writer)));
  assert.equal((await raw.answer(1)).code, 3);
  raw.socket.write(requestFrame(3, 'Collect', text('with the request')));
  raw.socket.write(encodeData(3, 1, (writer) => Any.encode(text('with the close'), writer)));
  assert.deepEqual(await raw.answer(3), { code: 0, text: 'with the request,with the close' });
});

test('garbage closes its own connection and is reported; others go on', async () => {
  await using server = await startEcho();
  const client = server.connect().client(EchoDefinition);
  const garbage = server.socket();
  garbage.resume().write('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n');
  await once(garbage, 'close');
  assert.ok(is('invalid-argument', 'not a ttrpc frame')(server.errors[0]));
  assert.equal((await client.unary(text('on'))).typeUrl, 'on');
});

test('a server that is no ttrpc server fails the calls', async () => {
  const [near, far] = pair();
  const connection = connectTtrpc(near, { peer: 'the wrong program' });
  const call = connection.client(EchoDefinition).unary(text(''));
  far.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  await assert.rejects(call, is('unavailable', 'the wrong program: not a ttrpc frame'));
  assert.ok(is('invalid-argument')(await connection.closed));
});

test('answers that break the protocol fail their call only', async () => {
  const [near, far] = pair();
  await using connection = connectTtrpc(near);
  const client = connection.client(EchoDefinition);
  far.resume();
  const calls = [client.unary(text('')), client.unary(text('')), client.collect(empty()), client.unary(text(''))];
  const stream = client.count(text(''));
  far.write(encodeFrame(1, frameTypes.response, 0, (writer) => writer.raw(Buffer.from([10, 99]))));
  far.write(oversizeFrame(3));
  far.write(encodeData(5, 0, (writer) => Any.encode(text('data for one answer'), writer)));
  far.write(encodeFrame(7, 42, 0, (writer) => writer.raw(Buffer.from('later'))));
  far.write(encodeFrame(7, frameTypes.response, 0, (writer) => writer));
  far.write(encodeFrame(9, frameTypes.response, 0, (writer) => writer));
  far.write(encodeFrame(1_001, frameTypes.response, 0, (writer) => writer));
  await assert.rejects(calls[0] ?? assert.fail(), is('internal', 'undecodable response'));
  await assert.rejects(calls[1] ?? assert.fail(), is('resource-exhausted'));
  await assert.rejects(calls[2] ?? assert.fail(), is('internal', 'stream data'));
  assert.deepEqual(await calls[3], text(''));
  assert.equal((await stream.next()).done, true, 'an empty response ends a stream');
});

test('a connection that breaks rejects every call, and tells the handlers', async () => {
  const reasons: unknown[] = [];
  await using server = await startEcho({
    unary: (_, { signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          reject(signal.reason as Error);
        }),
      ),
    async *chat(requests) {
      yield text('ready');
      try {
        for await (const _ of requests);
      } catch (error) {
        reasons.push(error);
      }
    },
  });
  const socket = server.socket();
  const connection = connectTtrpc(socket, { peer: 'shim c1' });
  const client = connection.client(EchoDefinition);
  const stream = client.chat(never());
  assert.equal((await stream.next()).value?.typeUrl, 'ready');
  const calls = [client.unary(text('')), client.collect(never()), stream.next()];
  const upload = client.unary(bytes(maxFrameBytes - 100));
  socket.destroy();
  for (const call of [...calls, upload]) await assert.rejects(call, is('unavailable', 'shim c1'));
  await assert.rejects(client.unary(text('')), is('unavailable', 'shim c1'));
  await assert.rejects(client.count(text('')).next(), is('unavailable', 'shim c1'));
  assert.ok(is('unavailable')(await connection.closed));
  await poll(() => (reasons.length >= 2 ? true : undefined), { ...soon, what: 'the handlers to be told' });
  assert.ok(reasons.every(is('unavailable')));
  assert.deepEqual(server.errors, []);
});

test('the server going away in the middle of calls rejects them', async () => {
  const [near, far] = pair();
  const connection = connectTtrpc(near);
  const client = connection.client(EchoDefinition);
  const calls = [client.unary(text('')), client.collect(never()), client.count(text('')).next()];
  far.write(requestFrame(1, 'Unary', text('half a frame')).subarray(0, 20));
  far.destroy();
  for (const call of calls) await assert.rejects(call, is('unavailable', 'closed the connection'));
});

test('a connection closed by its owner rejects calls, and its reason is undefined', async () => {
  await using server = await startEcho({
    unary: (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  });
  const connection = server.connect();
  const call = connection.client(EchoDefinition).unary(text(''));
  const rejected = assert.rejects(call, is('unavailable', 'is closed'));
  await connection.close();
  await rejected;
  assert.equal(await connection.closed, undefined);
});

test('a socket that was closed before it came is a closed connection', async () => {
  const [near, far] = pair();
  near.destroy();
  await once(near, 'close');
  const connection = connectTtrpc(near);
  assert.ok(is('unavailable')(await connection.closed));
  far.destroy();
});

test('a closing server answers the calls it has, refuses new ones, and then closes', async () => {
  const release: (() => void)[] = [];
  await using server = await startEcho({
    unary: async (request) => {
      if (request.typeUrl === 'running') await new Promise<void>((resolve) => release.push(resolve));
      return request;
    },
    async *count(_, { signal }) {
      yield text('ready');
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    },
  });
  const connection = server.connect();
  const client = connection.client(EchoDefinition);
  const running = client.unary(text('running'));
  const stream = client.count(text(''));
  await stream.next();
  const closed = server.server.close();
  await assert.rejects(stream.next(), is('unavailable', 'server is closing'));
  await assert.rejects(client.unary(text('new')), is('unavailable', 'server is closing'));
  const late = server.socket();
  late.resume();
  await once(late, 'close');
  for (const resolve of release) resolve();
  assert.equal((await running).typeUrl, 'running');
  await closed;
  assert.ok(is('unavailable')(await connection.closed));
  assert.equal(server.server.close(), server.server.close());
});

test('a closing server does not wait for ever for a handler', async () => {
  await using server = await startEcho({ unary: () => new Promise<never>(() => undefined) });
  const client = server.connect().client(EchoDefinition);
  const stuck = client.unary(text(''));
  const rejected = assert.rejects(stuck, is('unavailable', 'server is closing'));
  await client.collect(empty());
  await server.server.close({ drainTimeoutMs: 20 });
  await rejected;
});

test('a client that reads no answers is read no further', async () => {
  let calls = 0;
  await using server = await startEcho({
    unary: async () => {
      calls += 1;
      return bytes(1_000_000);
    },
  });
  const socket = server.socket();
  await once(socket, 'connect');
  socket.pause();
  // More than both socket buffers hold, so that the rest waits until the server reads on.
  const requests = Array.from({ length: 1_000 }, (_, i) => requestFrame(2 * i + 1, 'Unary', bytes(2_000)));
  socket.write(Buffer.concat(requests));
  let before = -1;
  await poll(
    () => {
      const isStill = calls === before && calls > 10;
      before = calls;
      return isStill || undefined;
    },
    { limitMs: 10_000, intervalMs: 50, what: 'the server to stop' },
  );
  assert.ok(calls < 200, `${calls} calls were taken`);
  const held = calls;
  socket.resume();
  await poll(() => (calls > held ? true : undefined), { ...soon, what: 'the server to go on' });
});

test('noise of every kind leaves the server serving', async () => {
  await using server = await startEcho();
  const seed = 20_261_122;
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
  for (let round = 0; round < 200; round += 1) {
    const raw = server.socket().resume();
    for (let i = below(8); i >= 0; i -= 1) {
      const frame = Buffer.from(
        requestFrame(below(12), ['Unary', 'Collect', 'Count', 'Chat'][below(4)] ?? '', text('9')),
      );
      for (let hits = below(4); hits > 0; hits -= 1) frame[below(frame.length)] = below(256);
      raw.write(frame);
    }
    if (below(2) === 0) raw.end();
    else raw.write(Buffer.from([0, 0, 0, 1]), () => raw.destroy());
    await once(raw, 'close');
  }
  const client = server.connect().client(EchoDefinition);
  assert.equal((await client.unary(text('still here'))).typeUrl, 'still here', `seed ${seed}`);
});

test('any duplex stream carries it', async () => {
  const [near, far] = pair();
  await using server = serveTtrpc({ services: [implement(EchoDefinition, echo)] });
  server.accept(far);
  await using connection = connectTtrpc(near);
  assert.equal((await connection.client(EchoDefinition).unary(text('pair'))).typeUrl, 'pair');
});

test('an error of the socket is the reason, and thrown nowhere', async () => {
  const [near, far] = pair();
  const connection = connectTtrpc(near, { peer: 'shim c2' });
  const call = connection.client(EchoDefinition).unary(text(''));
  const failure = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  near.destroy(failure);
  await assert.rejects(call, is('unavailable', 'lost shim c2: write EPIPE'));
  assert.equal((await connection.closed)?.cause, failure);
  far.destroy();
});

interface RawClient {
  readonly socket: Socket;
  /** By stream id. */
  readonly answers: Map<number, { readonly code: number; readonly text: string }>;
  answer(streamId: number): Promise<{ readonly code: number; readonly text: string }>;
}

function openRaw(server: EchoServer): RawClient {
  const socket = server.socket();
  const answers: RawClient['answers'] = new Map();
  const decoder = new FrameDecoder({
    frame: (header: FrameHeader, payload) => {
      assert.equal(header.type, frameTypes.response);
      const { status, payload: message } = decodeResponse(payload);
      answers.set(header.streamId, { code: status?.code ?? 0, text: Any.decode(message).typeUrl });
    },
    oversize: () => assert.fail('the server sent an oversize frame'),
  });
  socket.on('data', (chunk) => decoder.push(chunk));
  return {
    socket,
    answers,
    answer: (streamId) => poll(() => answers.get(streamId), { ...soon, what: `the answer on stream ${streamId}` }),
  };
}

function requestFrame(streamId: number, method: string, message: Any): Uint8Array {
  const request = { service: EchoDefinition.fullName, method, timeoutNanos: 0n, metadata: new Map() };
  return encodeRequest(streamId, method === 'Unary' ? 0 : 2, request, (writer) => Any.encode(message, writer));
}

function oversizeFrame(streamId: number): Buffer {
  const frame = Buffer.alloc(10 + maxFrameBytes + 1);
  frame.writeUInt32BE(maxFrameBytes + 1, 0);
  frame.writeUInt32BE(streamId, 4);
  frame.writeUInt8(frameTypes.response, 8);
  return frame;
}

/** Two ends of a connection without a socket. */
function pair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const make = (index: number): Duplex =>
    new Duplex({
      read: () => undefined,
      write(chunk, _, done) {
        ends[1 - index]?.push(chunk);
        done();
      },
      final(done) {
        ends[1 - index]?.push(null);
        done();
      },
      destroy(error, done) {
        ends[1 - index]?.push(null);
        done(error);
      },
    });
  const near = make(0);
  const far = make(1).on('error', () => undefined);
  ends.push(near, far);
  return [near, far];
}

async function* empty(): AsyncGenerator<Any> {}

async function* never(): AsyncGenerator<Any> {
  await new Promise(() => undefined);
  yield text('never');
}
