// Which pages a process has touched, and how it gets pages before it touches them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import koffi from 'koffi';
import { mapPages, ownPages, rowsOf, touchedPages } from '../../../src/linux/touched-pages.js';

const pageBytes = 4096;
const pages = 64;

/** Of memory that nobody has touched yet: malloc maps so much anew. */
function untouched(): { readonly bytes: Buffer; readonly numbers: number[] } {
  const bytes = Buffer.allocUnsafeSlow((pages + 2) * pageBytes);
  const first = Math.ceil(Number(koffi.address(bytes)) / pageBytes);
  return { bytes, numbers: Array.from({ length: pages }, (_, index) => first + index) };
}

function writtenOf(numbers: readonly number[]): number {
  const { written } = touchedPages(process.pid);
  return numbers.filter((number) => written.includes(number)).length;
}

test('pages one after the other are a row', () => {
  assert.deepEqual(rowsOf([]), []);
  const row = (first: number, count: number) => ({
    address: first * pageBytes,
    length: count * pageBytes,
    pages: Array.from({ length: count }, (_, index) => (first + index) * pageBytes),
  });
  assert.deepEqual(rowsOf([3, 4, 5, 9, 11, 12]), [row(3, 3), row(9, 1), row(11, 2)]);
});

test('a process that owns pages has them as if it had written to them, and what is in them stays', () => {
  const { bytes, numbers } = untouched();
  assert.equal(writtenOf(numbers), 0);
  bytes[pageBytes * 2] = 7;
  assert.equal(writtenOf(numbers), 1);
  ownPages(rowsOf(numbers));
  assert.equal(writtenOf(numbers), pages);
  assert.equal(bytes[pageBytes * 2], 7);
  assert.ok(bytes.subarray(pageBytes * 3).every((byte) => byte === 0));
});

test('what is not mapped, or may not be written to, is passed over', () => {
  const { read } = touchedPages(process.pid);
  const { bytes, numbers } = untouched();
  ownPages(rowsOf([1, ...read.slice(0, 1), ...numbers]));
  mapPages(rowsOf([1, ...read]));
  assert.equal(writtenOf(numbers), pages);
  assert.equal(bytes.length, (pages + 2) * pageBytes);
});

test('a process has read its program, and its pages come in order', () => {
  const { read, written } = touchedPages(process.pid);
  for (const list of [read, written]) {
    assert.ok(list.length > 100);
    assert.deepEqual(
      list,
      list.toSorted((one, other) => one - other),
    );
  }
});

test('one that has ended has none, and one that is gone is no process', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  assert.throws(() => touchedPages(child.pid ?? 0), { code: 'ENOENT' });
});
