import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedBuffer } from '../../../shim/stdio/bounded-buffer.js';

test('what fits comes out in order', () => {
  const buffer = new BoundedBuffer(10);
  assert.equal(buffer.push(Buffer.from('abc')), false);
  assert.equal(buffer.push(Buffer.from('defg')), false);
  assert.equal(buffer.length, 7);
  assert.equal(buffer.shift()?.toString(), 'abc');
  assert.equal(buffer.shift()?.toString(), 'defg');
  assert.equal(buffer.shift(), undefined);
  assert.deepEqual([buffer.length, buffer.dropped], [0, 0]);
});

test('beyond the limit the oldest bytes go and are counted, and only the first loss is told', () => {
  const buffer = new BoundedBuffer(4);
  buffer.push(Buffer.from('abc'));
  assert.equal(buffer.push(Buffer.from('def')), true);
  assert.equal(buffer.push(Buffer.from('g')), false);
  assert.deepEqual([buffer.length, buffer.dropped], [4, 3]);
  assert.equal(buffer.shift()?.toString(), 'def');
  assert.equal(buffer.push(Buffer.from('0123456789')), false);
  assert.equal(buffer.shift()?.toString(), '6789');
  assert.equal(buffer.dropped, 3 + 1 + 6);
});
