import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { BerthError, type ErrorKind, isBerthError, statusCodes } from '../../../src/domain/errors.js';
import { Any } from '../../../src/generated/google/protobuf/any.js';
import { dialTtrpc } from '../../../src/ttrpc/client.js';
import type { CallContext } from '../../../src/ttrpc/definition.js';
import { maxCallsPerConnection, maxFrameBytes } from '../../../src/ttrpc/limits.js';
import { bytes, type Echo, EchoDefinition, startEcho, text } from './echo.js';

const is =
  (kind: ErrorKind, message: RegExp | string = '') =>
  (error: unknown): boolean =>
    isBerthError(error, kind) &&
    (typeof message === 'string' ? error.message.includes(message) : message.test(error.message));

/** Settles only when its signal aborts. */
const untilAborted: Echo['unary'] = (_, { signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

test('a unary call answers', async () => {
  await using server = await startEcho();
  const client = server.connect().client(EchoDefinition);
  const request = Any.fromPartial({ typeUrl: 'héllo', value: Buffer.from([0, 1, 255]) });
  assert.deepEqual(await client.unary(request), request);
  assert.deepEqual(await client.unary(text('')), text(''));
});

test('a thousand calls at once each get their own answer, whatever the order', async () => {
  const waiting: (() => void)[] = [];
  await using server = await startEcho({
    unary: async (request) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return request;
    },
  });
  const client = server.connect().client(EchoDefinition);
  const calls = Array.from({ length: 1_000 }, (_, i) => client.unary(text(`call ${i}`)));
  await poll(() => (waiting.length === 1_000 ? true : undefined), { limitMs: 10_000, intervalMs: 2, what: 'calls' });
  for (const answer of waiting.reverse()) answer();
  const answers = await Promise.all(calls);
  assert.deepEqual(
    answers.map(({ typeUrl }) => typeUrl),
    answers.map((_, i) => `call ${i}`),
  );
});

test('messages of nearly a frame go both ways', async () => {
  await using server = await startEcho();
  const client = server.connect().client(EchoDefinition);
  const large = bytes(maxFrameBytes - 200, 7);
  const answers = await Promise.all([client.unary(large), client.unary(large), client.unary(text('small'))]);
  assert.ok(answers[0].value.equals(large.value) && answers[1].value.equals(large.value));
  assert.equal(answers[2].typeUrl, 'small');
});

test('every kind of error arrives as it was thrown', async () => {
  await using server = await startEcho({
    unary: async ({ typeUrl }) => {
      throw new BerthError(typeUrl as ErrorKind, `container "é" has ${typeUrl}`);
    },
  });
  const client = server.connect().client(EchoDefinition);
  for (const kind of Object.keys(statusCodes) as ErrorKind[]) {
    await assert.rejects(client.unary(text(kind)), is(kind, `container "é" has ${kind}`));
  }
  assert.deepEqual(server.errors, []);
});

test('anything else that is thrown is unknown to the client and reported at the server', async () => {
  const failure = new TypeError('x is not a function');
  await using server = await startEcho({
    unary: () => {
      throw failure;
    },
    collect: async () => {
      throw 'a string';
    },
  });
  const client = server.connect().client(EchoDefinition);
  await assert.rejects(client.unary(text('')), is('unknown', 'x is not a function'));
  await assert.rejects(client.collect(none()), is('unknown', 'a string'));
  assert.deepEqual(server.errors, [failure, 'a string']);
});

test('an unknown service and an unknown method are unimplemented, by name', async () => {
  await using server = await startEcho();
  const connection = server.connect();
  const { unary } = EchoDefinition.methods;
  const other = connection.client({ fullName: 'berth.test.v1.Other', methods: { unary } });
  await assert.rejects(other.unary(text('')), is('unimplemented', 'service berth.test.v1.Other'));
  const newer = connection.client({
    fullName: EchoDefinition.fullName,
    methods: { newer: { ...unary, name: 'Newer' }, stream: { ...EchoDefinition.methods.chat, name: 'Stream' } },
  });
  await assert.rejects(newer.newer(text('')), is('unimplemented', 'method berth.test.v1.Echo/Newer'));
  await assert.rejects(newer.stream(none()).next(), is('unimplemented', 'method berth.test.v1.Echo/Stream'));
  assert.equal((await connection.client(EchoDefinition).unary(text('on'))).typeUrl, 'on');
});

test('a request that cannot be decoded is an invalid argument, a response so is internal', async () => {
  await using server = await startEcho();
  const connection = server.connect();
  const junk = {
    encode: (_: string, writer: Parameters<typeof Any.encode>[1] & object) => writer.raw(Buffer.from([10, 200, 1])),
    decode: () => assert.fail('junk is decoded'),
  };
  const { unary } = EchoDefinition.methods;
  const sender = connection.client({
    fullName: EchoDefinition.fullName,
    methods: { unary: { ...unary, requestType: junk } },
  });
  await assert.rejects(sender.unary(undefined as never), is('invalid-argument', /Echo\/Unary: undecodable request/));
  const receiver = connection.client({
    fullName: EchoDefinition.fullName,
    methods: {
      unary: {
        ...unary,
        responseType: {
          ...Any,
          decode: (): never => {
            throw new Error('odd');
          },
        },
      },
    },
  });
  await assert.rejects(receiver.unary(text('')), is('internal', 'Echo/Unary: undecodable response: odd'));
});

test('a message too large for a frame fails its call only', async () => {
  await using server = await startEcho({ unary: async ({ typeUrl }) => bytes(Number(typeUrl)) });
  const client = server.connect().client(EchoDefinition);
  await assert.rejects(client.unary(bytes(maxFrameBytes)), is('resource-exhausted', 'exceed maximum message size'));
  await assert.rejects(client.unary(text(String(maxFrameBytes))), is('resource-exhausted', 'exceed maximum'));
  assert.equal((await client.unary(text('3'))).value.length, 3);
  assert.deepEqual(server.errors, []);
});

test('metadata and deadline reach the handler', async () => {
  const seen: CallContext[] = [];
  await using server = await startEcho({
    unary: async (request, context) => {
      seen.push(context);
      return request;
    },
  });
  const client = server.connect().client(EchoDefinition);
  const before = Date.now();
  await client.unary(text(''), { timeoutMs: 60_000, metadata: { 'Containerd-Namespace': 'k8s', many: ['a', 'b'] } });
  await client.unary(text(''));
  assert.deepEqual(
    seen.map(({ metadata }) => [...metadata]),
    [
      [
        ['containerd-namespace', ['k8s']],
        ['many', ['a', 'b']],
      ],
      [],
    ],
  );
  const deadlineMs = seen[0]?.deadline?.getTime() ?? 0;
  assert.ok(deadlineMs >= before + 60_000 && deadlineMs <= Date.now() + 60_000);
  assert.equal(seen[1]?.deadline, undefined);
  assert.equal(seen[0]?.signal.aborted, false);
});

test('the time limit ends the call at the client, and the handler by its signal', async () => {
  const reasons: unknown[] = [];
  await using server = await startEcho({
    unary: (request, context) => {
      context.signal.addEventListener('abort', () => reasons.push(context.signal.reason));
      return untilAborted(request, context);
    },
  });
  const client = server.connect().client(EchoDefinition);
  await assert.rejects(
    client.unary(text(''), { timeoutMs: 20 }),
    is('deadline-exceeded', /Echo\/Unary: not answered within 20 ms/),
  );
  await poll(() => reasons[0], { limitMs: 5_000, intervalMs: 2, what: 'the handler to be told' });
  assert.ok(is('deadline-exceeded')(reasons[0]));
  assert.deepEqual(server.errors, []);
});

test('a time limit that has passed already, or that no timer can hold', async () => {
  await using server = await startEcho();
  const client = server.connect().client(EchoDefinition);
  await assert.rejects(client.unary(text(''), { timeoutMs: 0 }), is('deadline-exceeded'));
  await assert.rejects(client.unary(text(''), { timeoutMs: -1 }), is('deadline-exceeded'));
  assert.equal((await client.unary(text('far'), { timeoutMs: 2 ** 40 })).typeUrl, 'far');
  assert.equal((await client.unary(text('never'), { timeoutMs: Number.POSITIVE_INFINITY })).typeUrl, 'never');
});

test('a signal ends the wait; the late answer is dropped and the connection goes on', async () => {
  const gate = new EventEmitter();
  await using server = await startEcho({
    unary: async (request) => {
      if (request.typeUrl === 'slow') await once(gate, 'open');
      return request;
    },
  });
  const client = server.connect().client(EchoDefinition);
  const controller = new AbortController();
  const slow = client.unary(text('slow'), { signal: controller.signal });
  await client.unary(text('the slow one has begun'));
  controller.abort(new Error('changed my mind'));
  await assert.rejects(
    slow,
    (error) =>
      is('cancelled', 'Echo/Unary')(error) && (error as Error & { cause: Error }).cause.message.includes('mind'),
  );
  await assert.rejects(client.unary(text(''), { signal: controller.signal }), is('cancelled'));
  gate.emit('open');
  assert.equal((await client.unary(text('after'))).typeUrl, 'after');
});

test('calls beyond the limit of a connection are refused, and room comes back', async () => {
  await using server = await startEcho({
    unary: (request, context) =>
      request.typeUrl === 'wait' ? untilAborted(request, context) : Promise.resolve(request),
  });
  const client = server.connect().client(EchoDefinition);
  const controller = new AbortController();
  const calls = Array.from({ length: maxCallsPerConnection }, () =>
    client.unary(text('wait'), { signal: controller.signal, timeoutMs: 60_000 }),
  );
  await assert.rejects(client.unary(text('one more')), is('resource-exhausted', 'calls on one connection'));
  controller.abort();
  const outcomes = await Promise.allSettled(calls);
  assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && is('cancelled')(outcome.reason)));
  // The server was not told, as ttrpc cannot: there the handlers still run.
  await assert.rejects(client.unary(text('one more')), is('resource-exhausted', 'calls on one connection'));
});

test('dialling a path where nobody listens names the path', async () => {
  await using server = await startEcho();
  const missing = `${server.path}.missing`;
  await assert.rejects(dialTtrpc(missing, { timeoutMs: 1_000 }), is('unavailable', `nobody listens on ${missing}`));
  const long = `/tmp/${'x'.repeat(120)}.sock`;
  await assert.rejects(dialTtrpc(long, { timeoutMs: 1_000 }), is('invalid-argument', long));
  await using connection = await dialTtrpc(server.path, { timeoutMs: 1_000 });
  assert.equal((await connection.client(EchoDefinition).unary(text('hi'))).typeUrl, 'hi');
});

async function* none(): AsyncGenerator<Any> {}
