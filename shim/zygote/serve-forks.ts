// The zygote's work: waits for requests and for the ends of its children, without an event loop, and forks.
import { readSync, writeSync } from 'node:fs';
import { messageOf } from '../../src/domain/errors.js';
import {
  encodeMessage,
  type LaunchOptions,
  maxMessageBytes,
  MessageDecoder,
  type ZygoteReport,
  type ZygoteRequest,
} from '../../src/domain/zygote-messages.js';
import { exitNow } from '../../src/linux/fork.js';
import { isSystemError } from '../../src/linux/libc.js';
import { waitReadable } from '../../src/linux/wait-readable.js';
import { Children } from './children.js';
import { ForkAhead } from './fork-ahead.js';
import type { StartPages } from './start-pages.js';

type LaunchRequest = Extract<ZygoteRequest, { kind: 'launch' }>;

/** Requests come in at `channel` and reports go out. Returns only in a child, with what it is to serve. */
export function serveForks(channel: number, startPages: StartPages): LaunchOptions {
  const decoder = new MessageDecoder<ZygoteRequest>();
  const children = new Children();
  const ahead = new ForkAhead(children, startPages);
  for (;;) {
    const readable = waitReadable([channel, ...children.pidfds], ahead.restMs);
    if (readable.length === 0) {
      const word = ahead.prepare();
      if (word !== undefined) return requestIn(word);
    }
    for (const ended of children.reap(readable)) {
      if (!ahead.lose(ended.pid)) report(channel, { kind: 'ended', ...ended });
    }
    if (!readable.includes(channel)) continue;
    for (const message of readRequests(channel, decoder)) {
      if (message.kind === 'kill') {
        children.killShim(message.pid);
        continue;
      }
      const word = launch(channel, message, ahead);
      if (word !== undefined) return requestIn(word);
    }
  }
}

/** What a child is let go with. */
function requestIn(word: string): LaunchRequest {
  return JSON.parse(word) as LaunchRequest;
}

/** The zygote ends with its channel. */
function readRequests(channel: number, decoder: MessageDecoder<ZygoteRequest>): ZygoteRequest[] {
  const chunk = Buffer.alloc(maxMessageBytes);
  const length = readOrEnd(channel, chunk);
  if (length === 0) exitNow(0);
  return decoder.push(chunk.toString('utf8', 0, length));
}

/** A berthd that was killed with reports unread resets the channel. */
function readOrEnd(channel: number, chunk: Buffer): number {
  try {
    return readSync(channel, chunk);
  } catch (error) {
    if (!isSystemError(error, 'ECONNRESET')) throw error;
    return 0;
  }
}

/** In a child that is forked here, its word. */
function launch(channel: number, message: LaunchRequest, ahead: ForkAhead): string | undefined {
  const { request } = message;
  try {
    const child = ahead.take();
    if (typeof child === 'string') return child;
    const { pid, attempts } = child;
    report(channel, { kind: 'forked', request, pid, attempts });
    child.release(JSON.stringify(message));
  } catch (error) {
    report(channel, { kind: 'failed', request, error: messageOf(error) });
  }
  return undefined;
}

/** Without berthd the zygote has nobody to fork for; the next berthd starts its own. */
export function report(channel: number, message: ZygoteReport): void {
  try {
    writeSync(channel, encodeMessage(message));
  } catch (error) {
    if (!isSystemError(error, 'EPIPE', 'ECONNRESET')) throw error;
    exitNow(0);
  }
}
