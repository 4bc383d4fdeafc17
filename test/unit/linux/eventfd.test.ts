import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fstatSync, readlinkSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { openEventFd } from '../../../src/linux/eventfd.js';

const limits = { limitMs: 5000, intervalMs: 1 };

function add(fd: number, count: bigint): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(count);
  writeSync(fd, bytes);
}

test('an addition to the counter is signalled, again and again', async () => {
  let signals = 0;
  const counter = openEventFd(() => signals++);
  try {
    assert.match(readlinkSync(`/proc/self/fd/${counter.fd}`), /eventfd/);
    for (let round = 1; round <= 20; round++) {
      add(counter.fd, BigInt(round));
      await poll(() => (signals === round ? true : undefined), { ...limits, what: `signal ${round}` });
    }
  } finally {
    counter.close();
  }
});

test('additions that come together are one signal', async () => {
  let signals = 0;
  const counter = openEventFd(() => signals++);
  try {
    for (let i = 0; i < 5; i++) add(counter.fd, 1n);
    await poll(() => (signals > 0 ? true : undefined), { ...limits, what: 'a signal' });
    // A second one would have come with a next turn of the loop, which this addition's own signal needs as well.
    add(counter.fd, 1n);
    await poll(() => (signals > 1 ? true : undefined), { ...limits, what: 'the next signal' });
    assert.equal(signals, 2);
  } finally {
    counter.close();
  }
});

test('closing gives the descriptor back', async () => {
  const counter = openEventFd(() => undefined);
  counter.close();
  await poll(() => (isEventFd(counter.fd) ? undefined : true), { ...limits, what: 'the descriptor to be closed' });
});

test('a process that waits for a counter ends when it wants to, and by itself', () => {
  const module = new URL('../../../src/linux/eventfd.js', import.meta.url).href;
  const script = (end: string): string => `
    const { openEventFd } = await import(${JSON.stringify(module)});
    openEventFd(() => undefined);
    setTimeout(() => { process.stdout.write('waiting'); ${end} }, 20);
  `;
  for (const end of ['process.exit(0)', '']) {
    const argv = ['--input-type=module', '--eval', script(end)];
    assert.equal(execFileSync(process.execPath, argv, { timeout: 20_000, encoding: 'utf8' }), 'waiting');
  }
});

function isEventFd(fd: number): boolean {
  try {
    fstatSync(fd);
    return readlinkSync(`/proc/self/fd/${fd}`).includes('eventfd');
  } catch {
    return false;
  }
}
