// The zygote's work: waits for requests and for ended children, without an event loop, and forks.
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
import { drainChildSignals, reapAny, waitReadable } from '../../src/linux/fork-wait.js';

export interface ForkServer {
  /** Requests come in here, reports go out. */
  readonly channel: number;
  /** From `openChildSignals`. */
  readonly signals: number;
}

/** Returns only in a child, with what it is to serve; the zygote itself ends with its channel. */
export function serveForks({ channel, signals }: ForkServer): LaunchOptions {
  const decoder = new MessageDecoder<ZygoteRequest>();
  const chunk = Buffer.alloc(maxMessageBytes);
  const shims = new Set<number>();
  for (;;) {
    const [hasRequest, hasEnded] = waitReadable([channel, signals]);
    if (hasEnded === true) reportEnded(channel, signals, shims);
    if (hasRequest !== true) continue;
    const length = readSync(channel, chunk);
    if (length === 0) exitNow(0);
    for (const message of decoder.push(chunk.toString('utf8', 0, length))) {
      if (message.kind === 'kill') kill(message.pid, shims);
      else if (fork(channel, message.request, shims)) return message;
    }
  }
}

/** True in the child. */
function fork(channel: number, request: number, shims: Set<number>): boolean {
  try {
    const child = forkNode(({ pid, attempts }) => {
      shims.add(pid);
      report(channel, { kind: 'forked', request, pid, attempts });
    });
    return child === undefined;
  } catch (error) {
    report(channel, { kind: 'failed', request, error: messageOf(error) });
    return false;
  }
}

function reportEnded(channel: number, signals: number, shims: Set<number>): void {
  drainChildSignals(signals);
  for (let ended = reapAny(); ended !== undefined; ended = reapAny()) {
    report(channel, { kind: 'ended', ...ended, shim: shims.delete(ended.pid) });
  }
}

/** Nobody but us can reap it, so the pid is the shim's as long as it is in the set. */
function kill(pid: number, shims: ReadonlySet<number>): void {
  if (shims.has(pid)) process.kill(pid, 'SIGKILL');
}

export function report(channel: number, message: ZygoteReport): void {
  writeSync(channel, encodeMessage(message));
}
