import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handedOver } from '../../../src/base/handed-over.js';

const { signal } = new AbortController();

test('values come in order, and each is waited for', async () => {
  const told: string[] = [];
  const values = handedOver<number>(async (put) => {
    for (const value of [1, 2, 3]) {
      await put(value);
      told.push(`put ${value}`);
    }
  }, signal);
  for await (const value of values) told.push(`got ${value}`);
  assert.deepEqual(told, ['got 1', 'put 1', 'got 2', 'put 2', 'got 3', 'put 3']);
});

test('a failure comes after what was handed over before it', async () => {
  const got: number[] = [];
  const values = handedOver<number>(async (put) => {
    await put(1);
    throw new Error('broken');
  }, signal);
  await assert.rejects(async () => {
    for await (const value of values) got.push(value);
  }, /broken/);
  assert.deepEqual(got, [1]);
});

test('whoever leaves early ends the work, and waits for its end', async () => {
  let ended = false;
  const values = handedOver<number>(async (put, inner) => {
    while (!inner.aborted) await put(1);
    // What is on its way by then is waited for by nobody.
    await put(2);
    ended = true;
  }, signal);
  for await (const value of values) {
    assert.equal(value, 1);
    break;
  }
  assert.ok(ended);
});

test('the signal of the caller reaches the work', async () => {
  const aborter = new AbortController();
  const values = handedOver<number>(async (put, inner) => {
    await put(1);
    inner.throwIfAborted();
    await put(2);
  }, aborter.signal);
  const got: number[] = [];
  await assert.rejects(async () => {
    for await (const value of values) {
      got.push(value);
      aborter.abort(new Error('enough'));
    }
  }, /enough/);
  assert.deepEqual(got, [1]);
});
