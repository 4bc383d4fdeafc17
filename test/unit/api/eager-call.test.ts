// Encoded messages that go to HTTP/2 several at once: none is lost, swapped or refused twice, and a client that does not
// read is not written to without end.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, credentials, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { EncodedMessage } from '../../../src/api/encoded-message.js';
import { addService, callOptions } from '../../../src/api/service.js';
import { poll } from '../../../src/base/deadline.js';
import { quietLog } from '../../helpers/quiet-log.js';
import { callRpc, streamRpc } from '../../helpers/rpc.js';

const bytes = {
  requestSerialize: (message: Buffer) => message,
  requestDeserialize: (message: Buffer) => message,
  responseDeserialize: (message: Buffer) => message,
  requestStream: false,
} as const;
const plain = (message: Buffer) => message;
const refusing = (_message: Buffer): Buffer => {
  throw new RangeError('no such message');
};
const definition = {
  count: { ...bytes, responseSerialize: plain, path: '/test.Eager/Count', responseStream: true },
  flood: { ...bytes, responseSerialize: plain, path: '/test.Eager/Flood', responseStream: true },
  large: { ...bytes, responseSerialize: plain, path: '/test.Eager/Large', responseStream: false },
  wrong: { ...bytes, responseSerialize: refusing, path: '/test.Eager/Wrong', responseStream: false },
} as const;

const messages = 3000;
const maxMessageBytes = 1024 * 1024;
const floodBytes = 4096;
/** The server's bound, HTTP/2's window, and what lies in buffers between: far below a flood without end. */
const maxFloodBytes = 8 * 1024 * 1024;

const directory = mkdtempSync(join(tmpdir(), 'berth-eager-'));
const socket = join(directory, 's');
const server = new Server({ ...callOptions, 'grpc.max_send_message_length': maxMessageBytes });
let client: Client;
let flooded = 0;

/** Small ones, and every now and then one above the bound of what is sent at once. */
function message(index: number): Buffer {
  const text = Buffer.alloc(index % 500 === 499 ? 200_000 : 1 + (index % 700), index % 251);
  return Buffer.concat([Buffer.from(`${index} `), text]);
}

before(async () => {
  addService(
    server,
    definition,
    {
      async *count() {
        for (let index = 0; index < messages; index++) yield new EncodedMessage(message(index));
      },
      async *flood() {
        for (; ; flooded++) yield new EncodedMessage(Buffer.alloc(floodBytes));
      },
      large: async () => new EncodedMessage(Buffer.alloc(maxMessageBytes + 1)),
      wrong: async () => Buffer.alloc(1),
    },
    { log: quietLog, closing: new AbortController().signal },
  );
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  client = new Client(`unix:${socket}`, credentials.createInsecure());
});

after(() => {
  client.close();
  server.forceShutdown();
  rmSync(directory, { recursive: true });
});

test('every message of a stream arrives whole and in its place', async () => {
  const stream = streamRpc(client, definition.count, Buffer.alloc(0));
  assert.equal(await stream.ended, undefined);
  assert.equal(stream.received.length, messages);
  for (const [index, received] of stream.received.entries()) assert.ok(received.equals(message(index)), `${index}`);
});

test('an answer that is too large, or none at all, is refused', async () => {
  await assert.rejects(callRpc(client, definition.large, Buffer.alloc(0)), { code: status.RESOURCE_EXHAUSTED });
  await assert.rejects(callRpc(client, definition.wrong, Buffer.alloc(0)), { code: status.INTERNAL });
});

test('a client that does not read is not written to without end', async () => {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
  try {
    const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
    const request = session.request({ ...headers, ':path': definition.flood.path });
    request.on('error', () => undefined);
    request.end(Buffer.alloc(5));
    await poll(() => flooded > 0 || undefined, { limitMs: 10_000, intervalMs: 5, what: 'the flood' });
    let before = -1;
    const isHeld = () => {
      const held = before === flooded;
      before = flooded;
      return held || undefined;
    };
    await poll(isHeld, { limitMs: 10_000, intervalMs: 100, what: 'the flood to be held' });
    assert.ok(flooded * floodBytes < maxFloodBytes, `${flooded} messages`);
  } finally {
    session.destroy();
  }
});
