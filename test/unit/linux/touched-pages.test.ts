// Which pages a process has touched, and how it gets pages before it touches them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { bindLibc } from '../../../src/linux/libc.js';
import { readProcessStat } from '../../../src/linux/process-info.js';
import { spawnProgram } from '../../../src/linux/spawn.js';
import { canGivePages, mapPages, ownPages, rowsOf, touchedPages } from '../../../src/linux/touched-pages.js';
import { waitPid } from '../../../src/linux/wait.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;
const MADV_NOHUGEPAGE = 15;

const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
const pages = 64;
/** Where the kernel cannot give pages, nothing is given. */
const given = canGivePages() ? pages : 0;

const mmap = bindLibc('size_t mmap(size_t address, size_t length, int protection, int flags, int fd, long offset)');
const madvise = bindLibc('int madvise(size_t address, size_t length, int advice)');
const memset = bindLibc('void memset(size_t address, int byte, size_t length)');
const memcmp = bindLibc('int memcmp(size_t address, const uint8_t *bytes, size_t length)');

/** The address of pages that nobody has touched. */
function mapped(fd = -1): number {
  const [protection, flags] = fd < 0 ? [PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS] : [PROT_READ, MAP_PRIVATE];
  const address = mmap(0, pages * pageBytes, protection, flags, fd, 0);
  madvise(address, pages * pageBytes, MADV_NOHUGEPAGE);
  return address;
}

function numbersFrom(address: number): number[] {
  return Array.from({ length: pages }, (_, index) => address / pageBytes + index);
}

function countOf(numbers: readonly number[], list: readonly number[]): number {
  return numbers.filter((number) => list.includes(number)).length;
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
  const address = mapped();
  const numbers = numbersFrom(address);
  const written = () => countOf(numbers, touchedPages(process.pid).written);
  assert.equal(written(), 0);
  memset(address, 7, 1);
  assert.equal(written(), 1);
  ownPages(rowsOf(numbers));
  assert.equal(written(), Math.max(1, given));
  assert.equal(memcmp(address, Buffer.from([7, 0, 0]), 3), 0);
});

test('pages of a file are mapped before they are read', () => {
  const fd = openSync(process.execPath, 'r');
  const numbers = numbersFrom(mapped(fd));
  closeSync(fd);
  const read = () => countOf(numbers, touchedPages(process.pid).read);
  assert.equal(read(), 0);
  mapPages(rowsOf(numbers));
  assert.equal(read(), given);
});

test('what is not mapped, or may not be written to, is passed over', () => {
  const { read } = touchedPages(process.pid);
  const numbers = numbersFrom(mapped());
  ownPages(rowsOf([1, ...read.slice(0, 1), ...numbers]));
  mapPages(rowsOf([1, ...read]));
  assert.equal(countOf(numbers, touchedPages(process.pid).written), given);
});

test('a process has read its program, and its pages come in order', () => {
  const { read, written } = touchedPages(process.pid);
  for (const list of [read, written]) {
    assert.ok(list.length > 10);
    assert.deepEqual(
      list,
      list.toSorted((one, other) => one - other),
    );
  }
});

test('a process that has ended has no pages to tell of', async () => {
  const pid = spawnProgram({ file: 'true', args: [], directory: '/', environment: process.env, stdio: [0, 1, 2] });
  const ended = () => readProcessStat(pid)?.state === 'Z' || undefined;
  await poll(ended, { limitMs: 10_000, intervalMs: 5, what: 'the end of a program' });
  assert.throws(() => touchedPages(pid), { code: 'ESRCH' });
  waitPid(pid);
  assert.throws(() => touchedPages(pid), { code: 'ENOENT' });
});
