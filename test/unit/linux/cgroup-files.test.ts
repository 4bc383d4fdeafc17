import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  noLimit,
  parseFigure,
  pickFigures,
  readFigure,
  readFigureList,
  readFigures,
  readNestedFigures,
} from '../../../src/linux/cgroup-files.js';

const directory = mkdtempSync(join(tmpdir(), 'berth-cgroup-files-'));
after(() => rmSync(directory, { recursive: true }));

function write(text: string): void {
  writeFileSync(join(directory, 'file'), text);
}

test('a figure keeps every digit of 64 bits', () => {
  write('18446744073709551614\n');
  assert.equal(readFigure(directory, 'file'), 2n ** 64n - 2n);
});

test('max, a negative figure and what is no figure', () => {
  assert.equal(parseFigure('max'), noLimit);
  assert.equal(parseFigure('-4096'), 0n);
  for (const text of ['', '0x10', '1.5', 'none', '1 2']) assert.equal(parseFigure(text), undefined, text);
});

test('lines of keys and figures; what does not parse is left out', () => {
  write('cache 5\n\nrss not-a-number\ntotal_rss 7\n');
  assert.deepEqual(Object.fromEntries(readFigures(directory, 'file') ?? []), { cache: 5n, total_rss: 7n });
});

test('lines of subjects with figures', () => {
  write('8:0 rbytes=1 wbytes=2\n\n8:16 \n');
  const found = readNestedFigures(directory, 'file')?.map(({ subject, figures }) => [subject, figures.get('wbytes')]);
  assert.deepEqual(found, [
    ['8:0', 2n],
    ['8:16', undefined],
  ]);
});

test('a list of figures, with the space that v1 ends it with', () => {
  write('464220774 200144273 \n');
  assert.deepEqual(readFigureList(directory, 'file'), [464220774n, 200144273n]);
});

test('a file that is not there', () => {
  assert.equal(readFigure(directory, 'nothing'), undefined);
  assert.equal(readFigures(directory, 'nothing'), undefined);
  assert.equal(readNestedFigures(directory, 'nothing'), undefined);
  assert.deepEqual(readFigureList(join(directory, 'file'), 'inside-a-file'), []);
});

test('fields that the kernel does not tell are 0', () => {
  assert.deepEqual(pickFigures({ one: 'a', two: 'b' }, new Map([['b', 3n]])), { one: 0n, two: 3n });
});
