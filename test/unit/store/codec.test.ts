import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRecord, encodeRecord } from '../../../src/store/codec.js';

test('a record comes back as it went in', () => {
  const record = {
    text: 'x',
    time: 1_700_000_000_123_456_789n,
    bytes: new Uint8Array([0, 255, 7]),
    list: [1n, { deep: new Uint8Array([1]) }],
    none: null,
  };
  assert.deepEqual(decodeRecord(encodeRecord(record)), record);
});

test('labels that look like the codec’s own marks stay labels', () => {
  const record = { labels: { $n: '5', $b: 'AA==', $$n: 'x', $: 'y' } };
  assert.deepEqual(decodeRecord(encodeRecord(record)), record);
});

test('a label named __proto__ stays a label', () => {
  const record = { labels: JSON.parse('{"__proto__":"x"}') as Record<string, string> };
  const back = decodeRecord(encodeRecord(record)) as typeof record;
  assert.deepEqual(Object.entries(back.labels), [['__proto__', 'x']]);
});
