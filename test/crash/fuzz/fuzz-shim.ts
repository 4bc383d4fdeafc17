// Fuzzes a shim's ttrpc socket: the shim has to stay up, to answer, and to hold no more than before.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { poll } from '../../../src/base/deadline.js';
import { TestShim } from '../../helpers/use-shim.js';
import { Random } from '../chaos/random.js';
import type { FuzzOptions } from './fuzz-daemon.js';
import { descriptorsOf, type ProcessSize, processSize } from './process-size.js';
import { ShimInputs } from './shim-inputs.js';
import { Tally } from './tally.js';

const framesPerConnection = 25;
const connectionsAtOnce = 4;
/** For answers to come before the connection is left. */
const answerMs = 30;
const warmUpShare = 0.2;
const maxGrowthKib = 64 * 1024;
const settleLimitMs = 20_000;

export async function fuzzShim(shim: TestShim, { seed, inputs }: FuzzOptions) {
  const tally = new Tally();
  const { pid } = shim;
  const source = new ShimInputs(shim, new Random(seed));
  const warm = Math.floor(inputs * warmUpShare);
  await send(shim, source, warm, tally);
  await remove(shim);
  const before = processSize(pid);
  await send(shim, source, inputs - warm, tally);
  const after = await settled(shim, before.descriptors);
  assert.ok(after.residentKib - before.residentKib < maxGrowthKib, `${before.residentKib} to ${after.residentKib} KiB`);
  const { shimId } = await shim.shim.connect({});
  assert.equal(shimId, shim.shimId);
  for (const line of shim.log().split('\n')) {
    if (line.includes('a call failed unexpectedly') && !isRefusal(line)) tally.fault('log', line, Buffer.alloc(0));
  }
  return { ...tally.result(), before, after };
}

/** The shim's size once it holds no more than `descriptors`. */
async function settled(shim: TestShim, descriptors: number): Promise<ProcessSize> {
  await poll(
    async () => {
      // Each time: a Create whose connection has been left may come through only now.
      await remove(shim);
      return processSize(shim.pid).descriptors <= descriptors || undefined;
    },
    { limitMs: settleLimitMs, intervalMs: 100, what: `at most ${descriptors} descriptors of the shim` },
  ).catch((cause: unknown) => {
    throw new Error(`the shim holds:\n  ${descriptorsOf(shim.pid).sort().join('\n  ')}`, { cause });
  });
  return processSize(shim.pid);
}

/** A container as its client would have it, for the fuzzed calls to meet. */
async function revive(shim: TestShim): Promise<void> {
  const { initPid } = await shim.shim.connect({});
  if (initPid === 0) await shim.run(['/bin/sh', '-c', 'while :; do sleep 1; done']).catch(() => undefined);
}

async function remove(shim: TestShim): Promise<void> {
  await shim.task.resume({ id: 'c1' }).catch(() => undefined);
  await shim.kill(9, '', true).catch(() => undefined);
  await shim.kill(9).catch(() => undefined);
  await shim.delete().catch(() => undefined);
}

async function send(shim: TestShim, source: ShimInputs, count: number, tally: Tally): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      const frames = Math.min(left, framesPerConnection);
      left -= frames;
      await revive(shim);
      await attack(join(shim.bundle, 'shim.sock'), source, frames, tally);
    }
  };
  await Promise.all(Array.from({ length: connectionsAtOnce }, work));
}

/** One connection: until all frames are sent, or the shim has enough of it. */
async function attack(path: string, source: ShimInputs, frames: number, tally: Tally): Promise<void> {
  const socket = connect(path);
  socket.on('data', () => undefined);
  await once(socket, 'connect');
  // Closed under our hands, which is the shim's right.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  for (let index = 0; index < frames; index++) {
    const { call, bytes } = source.next(index * 2 + 1);
    tally.inputs++;
    tally.count(call);
    if (socket.writable) socket.write(bytes);
  }
  await Promise.race([closed, sleep(answerMs)]);
  socket.destroy();
}

/** What is no ttrpc is told to the log, and is no fault of the shim's. */
function isRefusal(line: string): boolean {
  return line.includes('not a ttrpc frame');
}
