// Calls that are over before their handler begins, or while a piece is on its way: the handler always learns of it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { rmSync, mkdtempSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { addService, callOptions } from '../../../src/api/service.js';
import { poll } from '../../../src/base/deadline.js';
import type { Call } from '../../../src/api/call.js';
import { quietLog } from '../../helpers/quiet-log.js';

const bytes = {
  requestSerialize: (message: Buffer) => message,
  requestDeserialize: (message: Buffer) => message,
  responseSerialize: (message: Buffer) => message,
  responseDeserialize: (message: Buffer) => message,
  requestStream: false,
} as const;
const definition = {
  wait: { ...bytes, path: '/test.Streams/Wait', responseStream: true },
  waitOnce: { ...bytes, path: '/test.Streams/WaitOnce', responseStream: false },
  flood: { ...bytes, path: '/test.Streams/Flood', responseStream: true },
} as const;

const calls = 40;
const piece = randomBytes(64 * 1024);

const directory = mkdtempSync(join(tmpdir(), 'berth-streams-'));
const socket = join(directory, 's');
const server = new Server(callOptions);
const closing = new AbortController();
let begun = 0;
let ended = 0;
let session: ClientHttp2Session;

before(async () => {
  const untilAborted = async ({ signal }: Call) => {
    begun++;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    ended++;
  };
  addService(
    server,
    definition,
    {
      // oxlint-disable-next-line require-yield
      async *wait(_request, call) {
        await untilAborted(call);
      },
      waitOnce: async (_request, call) => {
        await untilAborted(call);
        return Buffer.alloc(0);
      },
      async *flood() {
        begun++;
        try {
          for (;;) yield piece;
        } finally {
          ended++;
        }
      },
    },
    { log: quietLog, closing: closing.signal },
  );
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
});

after(() => {
  session.destroy();
  server.forceShutdown();
  rmSync(directory, { recursive: true });
});

afterEach(() => {
  begun = 0;
  ended = 0;
});

for (const name of ['Wait', 'WaitOnce']) {
  test(`${name} whose deadline passes before its request has ended does not begin, or ends`, async () => {
    const request = session.request({ ...headers, ':path': `/test.Streams/${name}`, 'grpc-timeout': '20m' });
    const answered = new Promise((resolve) => request.once('response', resolve));
    request.write(framed(Buffer.alloc(0)));
    await answered;
    const over = new Promise((resolve) => request.once('close', resolve));
    request.end();
    request.resume();
    await over;
    await allEnded();
  });
}

test('a stream that is cancelled while a piece is on its way ends', async () => {
  for (let count = 0; count < calls; count++) {
    const request = session.request({ ...headers, ':path': '/test.Streams/Flood' });
    request.on('error', () => undefined);
    request.end(framed(Buffer.alloc(0)));
    await new Promise((resolve) => request.once('data', resolve));
    request.pause();
    await closed(request);
  }
  assert.equal(begun, calls);
  await allEnded();
});

test('a call that is over leaves nothing with the signal of the daemon’s stop, which outlives it', async () => {
  const waiting = ['Wait', 'WaitOnce'].map((name) => {
    const request = session.request({ ...headers, ':path': `/test.Streams/${name}` });
    request.on('error', () => undefined);
    request.end(framed(Buffer.alloc(0)));
    return request;
  });
  await poll(() => begun === waiting.length || undefined, { limitMs: 10_000, intervalMs: 5, what: 'calls to begin' });
  const held = () => getEventListeners(closing.signal, 'abort').length;
  assert.equal(held(), waiting.length);
  for (const request of waiting) await closed(request);
  await allEnded();
  await poll(() => held() === 0 || undefined, { limitMs: 10_000, intervalMs: 5, what: 'the end of what was held' });
});

const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

async function closed(request: ReturnType<ClientHttp2Session['request']>): Promise<void> {
  const over = new Promise((resolve) => request.once('close', resolve));
  request.close(constants.NGHTTP2_CANCEL);
  await over;
}

async function allEnded(): Promise<void> {
  const what = 'handlers to learn that their calls are cancelled';
  await poll(() => ended === begun || undefined, { limitMs: 10_000, intervalMs: 20, what }).catch(() => undefined);
  assert.equal(ended, begun);
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
