import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costOf, costTargetOf, type Measurement, ratioOf, targetText, verdictOf } from '../../bench/measurement.js';
import { alternate } from '../../bench/rounds.js';
import { readSettings } from '../../bench/settings.js';
import { summarize } from '../../bench/statistics.js';

function measurement(berth: number, containerd: number, rest: Partial<Measurement>): Measurement {
  const of = (value: number) => summarize([value]);
  return { group: '1', name: 'x', unit: 'ms', berth: of(berth), containerd: of(containerd), ...rest };
}

test('quantiles lie between the two nearest samples', () => {
  const { minimum, p10, median, p90 } = summarize([5, 1, 4, 2, 3]);
  assert.deepEqual([minimum, p10, median, p90], [1, 1.4, 3, 4.6]);
});

test('less is better for time, and more for a rate', () => {
  const time = measurement(60, 80, { target: { ratio: 0.8 } });
  assert.equal(ratioOf(time), 0.75);
  assert.equal(verdictOf(time), 'met');
  assert.equal(verdictOf(measurement(70, 80, { target: { ratio: 0.8 } })), 'missed');
  const rate = measurement(12, 10, { unit: '/s', target: { ratio: 1.3 } });
  assert.equal(verdictOf(rate), 'missed');
  assert.equal(costOf(rate), 10 / 12);
  assert.equal(costTargetOf(rate), 1 / 1.3);
  assert.equal(targetText(rate), '≥ 1.30');
  assert.equal(verdictOf(measurement(13, 10, { unit: '/s', target: { ratio: 1.3 } })), 'met');
});

test('a target may be absolute, and both have to be met', () => {
  assert.equal(verdictOf(measurement(12, 3, { target: { most: 20 } })), 'met');
  assert.equal(verdictOf(measurement(6, 8, { target: { ratio: 1, most: 5 } })), 'missed');
  assert.equal(verdictOf(measurement(4, 3, { target: { ratio: 1, most: 5 } })), 'missed');
  assert.equal(verdictOf(measurement(4, 8, { target: { ratio: 1, most: 5 } })), 'met');
  assert.equal(verdictOf(measurement(4, 8, {})), 'no target');
});

test('contenders take turns in an order that turns around, and warm-ups do not count', async () => {
  const order: string[] = [];
  const contender = (name: string) => ({
    name,
    work: async (round: number) => {
      order.push(`${name}${round}`);
      return round;
    },
  });
  const samples = await alternate([contender('a'), contender('b')], { rounds: 2, warmUps: 1, say: () => undefined });
  assert.deepEqual(order, ['b-1', 'a-1', 'a0', 'b0', 'b1', 'a1']);
  assert.deepEqual(samples, [
    [0, 1],
    [0, 1],
  ]);
});

test('a round that fails is told and left out; when most fail, so does the benchmark', async () => {
  const said: string[] = [];
  const failing = (rounds: readonly number[]) => ({
    name: 'x',
    work: async (round: number) => {
      if (rounds.includes(round)) throw new Error('broken');
      return round;
    },
  });
  const options = { rounds: 4, warmUps: 0, say: (line: string) => void said.push(line) };
  assert.deepEqual(await alternate([failing([1])], options), [[0, 2, 3]]);
  assert.deepEqual(said, ['round 2 of x failed: broken']);
  await assert.rejects(alternate([failing([0, 1, 2])], options), /broken/);
});

test('only a run of everything in full may stand in the documents', () => {
  const known = ['a', 'b'];
  assert.equal(readSettings({}, known).isFull, true);
  assert.equal(readSettings({ BENCH: 'a' }, known).isFull, false);
  assert.equal(readSettings({ BENCH_ROUNDS: '3' }, known).isFull, false);
  assert.equal(readSettings({ BENCH_QUICK: '1' }, known).isFull, false);
  assert.throws(() => readSettings({ BENCH: 'c' }, known), /c is none of a, b/);
  assert.throws(() => readSettings({ BENCH_ROUNDS: '0' }, known), /positive/);
});
