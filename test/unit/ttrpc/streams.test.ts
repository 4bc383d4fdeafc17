import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { BerthError, type ErrorKind, isBerthError } from '../../../src/domain/errors.js';
import type { Any } from '../../../src/generated/google/protobuf/any.js';
import { hardQueue, maxFrameBytes, softQueue } from '../../../src/ttrpc/limits.js';
import { bytes, EchoDefinition, startEcho, text } from './echo.js';

/** What kernel and Node may hold of one connection, both ends together. */
const socketBytes = 2 * 1024 * 1024;

const is =
  (kind: ErrorKind, message = '') =>
  (error: unknown): boolean =>
    isBerthError(error, kind) && error.message.includes(message);

test('a server stream comes in order and ends', async () => {
  await using server = await startEcho();
  const client = server.connect().client(EchoDefinition);
  assert.deepEqual(await texts(client.count(text('5000'))), numbers(5_000));
  assert.deepEqual(await texts(client.count(text('0'))), []);
});

test('a client stream goes in order and ends', async () => {
  await using server = await startEcho();
  const client = server.connect().client(EchoDefinition);
  assert.equal((await client.collect(sequence(5_000))).typeUrl, numbers(5_000).join(','));
  assert.equal((await client.collect(sequence(0))).typeUrl, '');
});

test('empty messages are messages', async () => {
  await using server = await startEcho({
    async *count() {
      yield text('');
      yield text('');
    },
  });
  const client = server.connect().client(EchoDefinition);
  assert.deepEqual(await texts(client.count(text(''))), ['', '']);
  assert.equal((await client.collect(from(['', '', '']))).typeUrl, ',,');
});

test('a bidirectional stream answers each message before the next is sent', async () => {
  await using server = await startEcho();
  const client = server.connect().client(EchoDefinition);
  const questions = queue();
  const answers = client.chat(questions.messages);
  for (const word of numbers(200)) {
    questions.push(text(word));
    assert.equal((await answers.next()).value?.typeUrl, `${word}!`);
  }
  questions.end();
  assert.equal((await answers.next()).done, true);
});

test('a stream begins when it is called, not when it is read', async () => {
  let calls = 0;
  await using server = await startEcho({
    async *count() {
      calls += 1;
      yield text('first');
    },
  });
  server.connect().client(EchoDefinition).count(text('1'));
  await poll(() => (calls === 1 ? true : undefined), { limitMs: 5_000, intervalMs: 2, what: 'the call' });
});

test('an error in a stream comes after the messages before it', async () => {
  await using server = await startEcho({
    async *count() {
      yield text('first');
      yield text('second');
      throw new BerthError('data-loss', 'journal torn');
    },
    async *chat() {
      yield text('only');
      throw new Error('bug');
    },
  });
  const client = server.connect().client(EchoDefinition);
  const seen: string[] = [];
  await assert.rejects(texts(client.count(text('')), seen), is('data-loss', 'journal torn'));
  assert.deepEqual(seen, ['first', 'second']);
  await assert.rejects(texts(client.chat(sequence(3))), is('unknown', 'bug'));
  assert.equal((server.errors[0] as Error).message, 'bug');
});

test('a server that answers early stops the sending of requests', async () => {
  await using server = await startEcho({
    collect: async (requests) => {
      for await (const first of requests) return first;
      return text('none');
    },
  });
  const client = server.connect().client(EchoDefinition);
  let isReturned = false;
  async function* endless(): AsyncGenerator<Any> {
    try {
      for (let i = 0; ; i += 1) yield bytes(1_000, i % 256);
    } finally {
      isReturned = true;
    }
  }
  assert.equal((await client.collect(endless())).value[0], 0);
  await poll(() => isReturned || undefined, { limitMs: 5_000, intervalMs: 2, what: 'the requests to be let go' });
  assert.equal((await client.collect(from(['again']))).typeUrl, 'again');
});

test('requests that throw fail the call with what they threw, and are not taken for complete by the handler', async () => {
  const outcomes: unknown[] = [];
  await using server = await startEcho({
    collect: async (requests) => {
      try {
        for await (const _ of requests);
        outcomes.push('complete');
      } catch (error) {
        outcomes.push(error);
      }
      return text('');
    },
  });
  const client = server.connect().client(EchoDefinition);
  const failure = new Error('disk is gone');
  async function* failing(): AsyncGenerator<Any> {
    yield text('one');
    throw failure;
  }
  await assert.rejects(client.collect(failing()), (error) => error === failure);
  await poll(() => outcomes[0], { limitMs: 5_000, intervalMs: 2, what: 'the handler to end' });
  assert.ok(is('cancelled')(outcomes[0]));
});

for (const shape of ['count', 'chat'] as const) {
  test(`leaving the loop of a ${shape} stream tells the handler`, async () => {
    const reasons: unknown[] = [];
    async function* endless(signal: AbortSignal): AsyncGenerator<Any> {
      signal.addEventListener('abort', () => reasons.push(signal.reason));
      yield text('first');
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    }
    await using server = await startEcho({
      count: (_, { signal }) => endless(signal),
      chat: (_, { signal }) => endless(signal),
    });
    const client = server.connect().client(EchoDefinition);
    const requests = queue();
    const responses = shape === 'count' ? client.count(text('')) : client.chat(requests.messages);
    for await (const { typeUrl } of responses) {
      assert.equal(typeUrl, 'first');
      break;
    }
    await poll(() => reasons[0], { limitMs: 5_000, intervalMs: 2, what: 'the handler to be told' });
    assert.ok(is('cancelled')(reasons[0]));
    assert.equal((await client.unary(text('on'))).typeUrl, 'on');
    assert.deepEqual(server.errors, []);
    assert.equal(requests.isReturned(), shape === 'chat');
  });
}

test('a signal and a time limit end a stream at once', async () => {
  await using server = await startEcho({
    async *count(_, { signal }) {
      yield text('first');
      yield text('never read');
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    },
  });
  const client = server.connect().client(EchoDefinition);
  const controller = new AbortController();
  const aborted = client.count(text(''), { signal: controller.signal });
  assert.equal((await aborted.next()).value?.typeUrl, 'first');
  controller.abort();
  await assert.rejects(aborted.next(), is('cancelled', 'Echo/Count'));
  assert.equal((await aborted.next()).done, true);

  const late = client.count(text(''), { timeoutMs: 30 });
  await assert.rejects(texts(late), is('deadline-exceeded'));
  const tooLate = client.count(text(''), { timeoutMs: 0 });
  await assert.rejects(tooLate.next(), is('deadline-exceeded'));
});

test('a message of a stream that is too large fails the stream only', async () => {
  await using server = await startEcho({
    async *count() {
      yield text('small');
      yield bytes(maxFrameBytes);
    },
  });
  const client = server.connect().client(EchoDefinition);
  const seen: string[] = [];
  await assert.rejects(texts(client.count(text('')), seen), is('resource-exhausted', 'exceed maximum message size'));
  assert.deepEqual(seen, ['small']);
  await assert.rejects(client.collect(once(bytes(maxFrameBytes))), is('resource-exhausted', 'exceed maximum'));
  assert.equal((await client.unary(text('on'))).typeUrl, 'on');
});

test('a reader that stops reading holds the sender back', async () => {
  let sent = 0;
  await using server = await startEcho({
    async *count() {
      for (; sent < 100_000; sent += 1) yield bytes(10_000);
    },
  });
  const connection = server.connect({ streamStallTimeoutMs: 60_000 });
  const responses = connection.client(EchoDefinition).count(text(''));
  await responses.next();
  const bound = (softQueue.bytes + socketBytes) / 10_000;
  let before = -1;
  // Held back is when nothing more is sent although the server had its turns.
  await poll(
    () => {
      const isStill = before === sent && sent > softQueue.bytes / 10_000;
      before = sent;
      return isStill || undefined;
    },
    { limitMs: 10_000, intervalMs: 50, what: 'the sender to be held back' },
  );
  assert.ok(sent < bound, `${sent} messages were sent, more than ${bound}`);
  const held = sent;
  for (let i = 0; i < 2 * bound; i += 1) await responses.next();
  assert.ok(sent > held, 'the sender goes on once the reader does');
});

test('unary calls go on beside a slow reader, which loses nothing', async () => {
  const total = 3_000;
  await using server = await startEcho();
  const client = server.connect().client(EchoDefinition);
  const seen: string[] = [];
  for await (const { typeUrl } of client.count(text(String(total)))) {
    seen.push(typeUrl);
    // The reader itself waits for answers on the connection that its stream fills.
    if (seen.length % 10 === 0) assert.equal((await client.unary(text(typeUrl))).typeUrl, typeUrl);
  }
  assert.deepEqual(seen, numbers(total));
});

test('unary calls go on beside a stream that nobody reads, which fails in the end', async () => {
  let sent = 0;
  await using server = await startEcho({
    async *count() {
      for (; ; sent += 1) yield bytes(60_000);
    },
  });
  const connection = server.connect({ streamStallTimeoutMs: 500 });
  const client = connection.client(EchoDefinition);
  const unread = client.count(text(''));
  for (let i = 0; i < 500; i += 1) await client.unary(text('beside'));
  const bound = (hardQueue.bytes + socketBytes) / 60_000;
  let taken = 0;
  await assert.rejects(
    async () => {
      for await (const _ of unread) taken += 1;
    },
    is('resource-exhausted', 'left unread'),
  );
  assert.equal(taken, 0);
  assert.ok(sent < bound * 2, `${sent} messages were sent`);
  assert.equal((await client.unary(text('after'))).typeUrl, 'after');
});

test('a handler that does not read its requests is failed, and other calls go on', async () => {
  const reasons: unknown[] = [];
  await using server = await startEcho(
    {
      collect: (_, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(signal.reason as Error);
          }),
        ),
    },
    { streamStallTimeoutMs: 200 },
  );
  const client = server.connect().client(EchoDefinition);
  const stuck = client.collect(endless());
  stuck.catch(() => undefined);
  assert.equal((await client.unary(text('beside'))).typeUrl, 'beside');
  await assert.rejects(stuck, is('resource-exhausted', 'Echo/Collect'));
  assert.ok(is('resource-exhausted')(reasons[0]));
  assert.equal((await client.unary(text('after'))).typeUrl, 'after');
});

test('a slow handler of a client stream loses nothing', async () => {
  const total = 3_000;
  await using server = await startEcho({
    collect: async (requests) => {
      let count = 0;
      let last = 0;
      for await (const { value } of requests) {
        assert.equal(value.readUInt32BE(0), count);
        count += 1;
        last = value.length;
        if (count % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return text(`${count} of ${last}`);
    },
  });
  const client = server.connect().client(EchoDefinition);
  async function* large(): AsyncGenerator<Any> {
    for (let i = 0; i < total; i += 1) {
      const message = bytes(5_000);
      message.value.writeUInt32BE(i, 0);
      yield message;
    }
  }
  assert.equal((await client.collect(large())).typeUrl, `${total} of 5000`);
});

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

async function texts(messages: AsyncIterable<Any>, seen: string[] = []): Promise<string[]> {
  for await (const { typeUrl } of messages) seen.push(typeUrl);
  return seen;
}

async function* from(words: Iterable<string>): AsyncGenerator<Any> {
  for (const word of words) yield text(word);
}

function sequence(count: number): AsyncGenerator<Any> {
  return from(numbers(count));
}

async function* endless(): AsyncGenerator<Any> {
  for (;;) yield bytes(10_000);
}

async function* once(message: Any): AsyncGenerator<Any> {
  yield message;
}

/** Messages pushed by hand. */
function queue(): {
  readonly messages: AsyncIterable<Any>;
  push(message: Any): void;
  end(): void;
  isReturned(): boolean;
} {
  const stream = new PassThrough({ objectMode: true });
  const iterator = stream.iterator() as AsyncIterableIterator<Any>;
  let isReturned = false;
  const messages: AsyncIterable<Any> = {
    [Symbol.asyncIterator]: () => ({
      next: () => iterator.next(),
      async return() {
        isReturned = true;
        stream.destroy();
        return { done: true, value: undefined };
      },
    }),
  };
  return {
    messages,
    push: (message) => stream.write(message),
    end: () => stream.end(),
    isReturned: () => isReturned,
  };
}
