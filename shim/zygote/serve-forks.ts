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
import { exitNow, forkNode } from '../../src/linux/fork.js';
import { isSystemError } from '../../src/linux/libc.js';
import { waitReadable } from '../../src/linux/wait-readable.js';
import { Children } from './children.js';

/** Requests come in at `channel` and reports go out. Returns only in a child, with what it is to serve. */
export function serveForks(channel: number): LaunchOptions {
  const decoder = new MessageDecoder<ZygoteRequest>();
  const children = new Children();
  for (;;) {
    const readable = waitReadable([channel, ...children.pidfds]);
    for (const ended of children.reap(readable)) report(channel, { kind: 'ended', ...ended });
    if (!readable.includes(channel)) continue;
    for (const message of readRequests(channel, decoder)) {
      if (message.kind === 'kill') children.killShim(message.pid);
      else if (fork(channel, message.request, children)) return message;
    }
  }
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

/** True in the child. */
function fork(channel: number, request: number, children: Children): boolean {
  try {
    const forked = forkNode(({ pid, attempts }) => {
      children.addShim(pid);
      report(channel, { kind: 'forked', request, pid, attempts });
    });
    if (forked !== undefined) return false;
  } catch (error) {
    report(channel, { kind: 'failed', request, error: messageOf(error) });
    return false;
  }
  children.forget();
  return true;
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
