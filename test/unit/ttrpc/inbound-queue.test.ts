import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InboundQueue } from '../../../src/ttrpc/inbound-queue.js';
import { hardQueue, softQueue } from '../../../src/ttrpc/limits.js';
import { ReadGate } from '../../../src/ttrpc/read-gate.js';

const failure = new Error('lost');

function make(): {
  readonly queue: InboundQueue<number>;
  readonly gate: ReadGate;
  /** Every change of the gate: true for paused. */
  readonly changes: boolean[];
  readonly calls: { stalls: number; returns: number };
} {
  const changes: boolean[] = [];
  const calls = { stalls: 0, returns: 0 };
  const gate = new ReadGate((paused) => changes.push(paused));
  const queue = new InboundQueue({
    decode: (payload) => {
      if (payload.length === 0) throw failure;
      return payload.length;
    },
    gate,
    stallTimeoutMs: 5_000,
    onStall: () => {
      calls.stalls += 1;
    },
    onReturn: () => {
      calls.returns += 1;
    },
  });
  return { queue, gate, changes, calls };
}

const message = (length: number): Uint8Array => new Uint8Array(length);

test('messages come in order, to those who wait and to those who come later', async () => {
  const { queue } = make();
  const waiting = [queue.next(), queue.next()];
  for (const length of [1, 2, 3]) queue.push(message(length));
  queue.end();
  queue.push(message(4));
  assert.deepEqual(await Promise.all([...waiting, queue.next(), queue.next(), queue.next()]), [
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: false, value: 3 },
    { done: true, value: undefined },
    { done: true, value: undefined },
  ]);
});

test('a failure comes after what is queued, an abort instead of it, each once', async () => {
  for (const method of ['fail', 'abort'] as const) {
    const { queue } = make();
    queue.push(message(1));
    queue[method](failure);
    if (method === 'fail') assert.equal((await queue.next()).value, 1);
    await assert.rejects(queue.next(), failure);
    assert.equal((await queue.next()).done, true);
  }
});

test('a failure reaches all that wait', async () => {
  const { queue } = make();
  const waiting = [queue.next(), queue.next()];
  queue.fail(failure);
  for (const next of waiting) await assert.rejects(next, failure);
  assert.equal((await queue.next()).done, true);
});

test('a message that cannot be decoded ends the queue', async () => {
  const { queue, calls } = make();
  queue.push(message(0));
  queue.push(message(1));
  await assert.rejects(queue.next(), failure);
  assert.equal((await queue.next()).done, true);
  assert.equal(calls.returns, 1);
});

test('leaving the loop drops the rest and lets go of the gate', async () => {
  const { queue, calls, changes } = make();
  for (let i = 0; i < softQueue.frames; i += 1) queue.push(message(1));
  for await (const _ of queue) break;
  assert.equal(calls.returns, 1);
  assert.deepEqual(changes, [true, false]);
  assert.equal((await queue.next()).done, true);
});

test('the gate is held from full to half, by count and by size', async () => {
  for (const [length, full] of [
    [1, softQueue.frames],
    [softQueue.bytes / 16, 16],
  ] as const) {
    const { queue, changes } = make();
    for (let i = 1; i < full; i += 1) queue.push(message(length));
    assert.deepEqual(changes, []);
    queue.push(message(length));
    assert.deepEqual(changes, [true]);
    for (let i = 0; i < full / 2; i += 1) await queue.next();
    assert.deepEqual(changes, [true]);
    await queue.next();
    assert.deepEqual(changes, [true, false]);
  }
});

test('the gate yields to a call that waits, but not for an extreme backlog', () => {
  const { queue, gate, changes } = make();
  gate.callStarted();
  for (let i = 0; i < softQueue.frames; i += 1) queue.push(message(1));
  assert.deepEqual(changes, []);
  gate.callEnded();
  assert.deepEqual(changes, [true]);
  gate.callStarted();
  assert.deepEqual(changes, [true, false]);
  for (let i = softQueue.frames; i < hardQueue.frames; i += 1) queue.push(message(1));
  assert.deepEqual(changes, [true, false, true]);
  gate.callEnded();
  queue.abort(failure);
  assert.deepEqual(changes, [true, false, true, false]);
});

test('the gate is open only when every holder has let go', () => {
  const changes: boolean[] = [];
  const gate = new ReadGate((paused) => changes.push(paused));
  const [one, other] = [{}, {}];
  gate.hold(one, 'soft');
  gate.hold(other, 'hard');
  gate.hold(one, 'none');
  gate.hold(other, 'soft');
  assert.deepEqual(changes, [true]);
  gate.hold(other, 'none');
  assert.deepEqual(changes, [true, false]);
});

test('only a full queue of which nothing is taken stalls', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { queue, calls } = make();
  queue.push(message(1));
  context.mock.timers.tick(60_000);
  for (let i = 0; i < softQueue.frames * 2; i += 1) queue.push(message(1));
  context.mock.timers.tick(4_999);
  assert.equal(calls.stalls, 0);
  context.mock.timers.tick(1);
  assert.equal(calls.stalls, 1);
  queue.abort(failure);
  context.mock.timers.tick(60_000);
  assert.equal(calls.stalls, 1);
});
