// Who was the victim, told from the kernel's counter and from how processes end; with real processes where one must be
// seen dying.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { poll } from '../../../../src/base/deadline.js';
import { OutOfMemoryWatch, type OutOfMemoryOptions } from '../../../../shim/oom/out-of-memory-watch.js';
import { UnwaitedChild } from '../../../helpers/unwaited-child.js';

const limits = { limitMs: 10_000, intervalMs: 1 };
const SIGTERM = 15;
const SIGKILL = 9;
/** Pids that no process can have. */
const [init, exec, other] = [2 ** 22 + 1, 2 ** 22 + 2, 2 ** 22 + 3] as const;

let count: bigint | undefined;
let living: number[];
let told: bigint[];
let sign: () => void;
let watch: OutOfMemoryWatch;

function start(options: Partial<OutOfMemoryOptions> = {}): void {
  watch = new OutOfMemoryWatch({
    counter: {
      read: () => count,
      watch: (onStir) => {
        sign = onStir;
        return { close: () => undefined };
      },
    },
    told: 0n,
    living: () => living,
    reaper: init,
    onKilled: (total) => told.push(total),
    ...options,
  });
  watch.start();
}

beforeEach(() => {
  count = 0n;
  living = [init, exec, other];
  told = [];
});
afterEach(() => watch.close());

function judge(...ended: readonly [pid: number, signal: number][]): number[] {
  living = living.filter((pid) => !ended.some(([gone]) => gone === pid));
  return [...watch.judge(ended.map(([pid, signal]) => ({ pid, signal })))];
}

test('a process that dies by SIGKILL when the counter has risen is the victim', () => {
  start();
  count = 1n;
  assert.deepEqual(judge([exec, SIGKILL]), [exec]);
  assert.deepEqual(told, [1n]);
});

test('a kill is told before the end is judged', () => {
  const order: string[] = [];
  start({ onKilled: () => order.push('told') });
  count = 1n;
  judge([exec, SIGKILL]);
  order.push('judged');
  assert.deepEqual(order, ['told', 'judged']);
});

test('without a rise nobody is a victim, and nothing is told', () => {
  start();
  assert.deepEqual(judge([exec, SIGKILL]), []);
  assert.deepEqual(told, []);
});

test('who ends otherwise is no victim, though the kill is told', () => {
  start();
  count = 1n;
  assert.deepEqual(judge([exec, SIGTERM], [other, 0]), []);
  assert.deepEqual(told, [1n]);
});

test('when init is killed, those who die with it are no victims', () => {
  start();
  count = 1n;
  assert.deepEqual(judge([exec, SIGKILL], [other, SIGKILL], [init, SIGKILL]), [init]);
});

test('when init ends by itself, those who die with it are no victims either', () => {
  start();
  count = 1n;
  assert.deepEqual(judge([exec, SIGKILL], [init, 0]), []);
});

test('two kills have two victims', () => {
  start();
  count = 2n;
  assert.deepEqual(judge([exec, SIGKILL], [other, SIGKILL]), [exec, other]);
});

test('without a pid namespace of its own init is no more suspected than others', () => {
  start({ reaper: undefined });
  count = 1n;
  assert.deepEqual(judge([exec, SIGKILL], [init, SIGTERM]), [exec]);
});

test('what we kill ourselves is no victim, whatever the counter says', () => {
  start();
  watch.excuse([exec]);
  count = 1n;
  assert.deepEqual(judge([exec, SIGKILL]), []);
  count = 2n;
  assert.deepEqual(judge([other, SIGKILL]), [other]);
});

test('a kill that found its victim below the known processes does not wait for another', async () => {
  start();
  count = 1n;
  watch.look();
  const explainedBy = performance.now() + 260;
  await poll(() => (performance.now() > explainedBy ? true : undefined), { ...limits, what: 'the time for a victim' });
  assert.deepEqual(judge([exec, SIGKILL]), []);
  assert.deepEqual(told, [1n]);
});

test('kills since the last word of a dead shim are told at once', () => {
  count = 5n;
  start({ told: 3n });
  assert.deepEqual(told, [5n]);
});

test('kills of unknown processes are told together where they come fast', async () => {
  start();
  for (count = 1n; count < 20n; count++) watch.look();
  watch.look();
  assert.deepEqual(told, [1n]);
  await poll(() => (told.length > 1 ? true : undefined), { ...limits, what: 'the second notice' });
  assert.deepEqual(told, [1n, 20n]);
});

test('a victim’s kill is told at once, however fast they come', () => {
  start();
  count = 1n;
  watch.look();
  count = 2n;
  assert.deepEqual(judge([exec, SIGKILL]), [exec]);
  assert.deepEqual(told, [1n, 2n]);
});

test('after a sign it looks until the kernel has made up its mind', async () => {
  start();
  sign();
  assert.deepEqual(told, []);
  count = 1n;
  await poll(() => (told.length > 0 ? true : undefined), { ...limits, what: 'a notice' });
});

test('a counter that falls with a group below tells nothing, but counts from there', () => {
  start();
  count = 3n;
  watch.look();
  count = 1n;
  watch.look();
  assert.deepEqual(told, [3n]);
  count = 2n;
  assert.deepEqual(judge([exec, SIGKILL]), [exec]);
  assert.deepEqual(told, [3n, 2n]);
});

test('a counter that is gone tells nothing', () => {
  start();
  count = undefined;
  assert.deepEqual(judge([exec, SIGKILL]), []);
  assert.deepEqual(told, []);
});

test('one that is seen dying when the counter rises is the victim, also when it ends later', async () => {
  await using dying = await UnwaitedChild.start();
  await dying.becomeZombie();
  living = [init, dying.pid];
  start();
  count = 1n;
  watch.look();
  assert.deepEqual(judge([dying.pid, SIGKILL]), [dying.pid]);
});

test('while init is dying, an exec that has died by SIGKILL is no victim, and init is', async () => {
  await using dying = await UnwaitedChild.start();
  await dying.becomeZombie();
  living = [dying.pid, exec];
  start({ reaper: dying.pid });
  count = 1n;
  assert.deepEqual(judge([exec, SIGKILL]), []);
  assert.deepEqual(judge([dying.pid, SIGKILL]), [dying.pid]);
});
