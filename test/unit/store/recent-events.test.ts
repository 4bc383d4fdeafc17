import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../../../src/domain/records.js';
import { RecentEvents } from '../../../src/store/recent-events.js';

const mebibyte = 1024 * 1024;

function record(number: number, bytes = 1): EventRecord {
  const event = { typeUrl: 't', value: new Uint8Array(bytes) };
  return { number: BigInt(number), namespace: 'n', topic: '/t', timestamp: 0n, event };
}

function numbersAfter(recent: RecentEvents, cursor: number): number[] | undefined {
  return recent.after(BigInt(cursor))?.map(({ number }) => Number(number));
}

test('what comes after a cursor is told as far as it is here', () => {
  const recent = new RecentEvents();
  assert.equal(numbersAfter(recent, 0), undefined);
  recent.add([record(5), record(6)]);
  recent.add([record(7)]);
  assert.equal(numbersAfter(recent, 3), undefined);
  assert.deepEqual(numbersAfter(recent, 4), [5, 6, 7]);
  assert.deepEqual(numbersAfter(recent, 6), [7]);
  assert.deepEqual(numbersAfter(recent, 7), []);
});

test('a thousand small events are kept, and of large ones no more than eight mebibytes', () => {
  const recent = new RecentEvents();
  for (let number = 1; number <= 3000; number++) recent.add([record(number)]);
  assert.equal(numbersAfter(recent, 1000), undefined);
  assert.equal(numbersAfter(recent, 1976)?.length, 1024);
  for (let number = 3001; number <= 3020; number++) recent.add([record(number, mebibyte)]);
  assert.equal(numbersAfter(recent, 3012), undefined);
  assert.deepEqual(numbersAfter(recent, 3013), [3014, 3015, 3016, 3017, 3018, 3019, 3020]);
});
