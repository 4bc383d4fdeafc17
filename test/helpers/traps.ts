// Waits until a process in a container has its handler for SIGTERM: until then it is deaf to it, as every init is.
import { readFileSync } from 'node:fs';
import { poll } from '../../src/base/deadline.js';

const SIGTERM = 15n;

export async function untilItTrapsTerm(pid: number): Promise<void> {
  const limits = { limitMs: 20_000, intervalMs: 5, what: `process ${pid} to trap SIGTERM` };
  await poll(() => {
    const caught = /SigCgt:\t(\w+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return (BigInt(`0x${caught}`) & (1n << (SIGTERM - 1n))) !== 0n || undefined;
  }, limits);
}
