// Spans and points of time on the command line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from '../../../../src/cli/parse/duration.js';
import { parseMoment } from '../../../../src/cli/parse/moment.js';

const durations = {
  '10s': 10_000,
  '1h30m': 5_400_000,
  '250ms': 250,
  '1.5': 1500,
  '0': 0,
  '2d': 172_800_000,
  '.5s': 500,
};

for (const [text, millis] of Object.entries(durations)) {
  test(`the span ${text} is ${millis} ms`, () => assert.equal(parseDuration('timeout', text), millis));
}

for (const text of ['', 's', '-1s', '10 s', '10y', '1h-3m', '1e3', 'Infinity']) {
  test(`the span ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseDuration('timeout', text), /timeout .* is no span of time/);
  });
}

const now = Date.UTC(2026, 0, 31, 12, 0, 0, 500);
const noon = BigInt(Date.UTC(2026, 0, 31, 12) / 1000);
const moments: Readonly<Record<string, readonly [seconds: bigint, nanos: number]>> = {
  '2026-01-31T12:00:00Z': [noon, 0],
  '2026-01-31T12:00:00.123456789Z': [noon, 123_456_789],
  '2026-01-31T13:30:00+01:30': [noon, 0],
  '2026-01-31 12:00': [noon, 0],
  '2026-01-31': [noon - 43_200n, 0],
  '1767225600': [1_767_225_600n, 0],
  '1767225600.25': [1_767_225_600n, 250_000_000],
  '10m': [noon - 600n, 500_000_000],
  '0s': [noon, 500_000_000],
};

for (const [text, [seconds, nanos]] of Object.entries(moments)) {
  test(`the time ${text} is ${seconds}.${nanos}`, () =>
    assert.deepEqual(parseMoment('time', text, now), { seconds, nanos }));
}

for (const text of ['', 'now', 'yesterday', '2026-13-01', '2026-01-31T25:00', '12:00', '-5m']) {
  test(`the time ${JSON.stringify(text)} is refused`, () =>
    assert.throws(() => parseMoment('time', text, now), /time "/));
}
