// Small reads through a window: whatever the order, and however many at once, the bytes are those of the file.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BlobWindow } from '../../../../src/images/content/blob-window.js';

const directory = mkdtempSync(join(tmpdir(), 'berth-window-'));
const content = Buffer.concat(
  Array.from({ length: 24_000 }, (_empty, index) => createHash('sha256').update(String(index)).digest()),
);
const size = content.length;
let file: FileHandle;

before(async () => {
  writeFileSync(join(directory, 'blob'), content);
  file = await open(join(directory, 'blob'), 'r');
});

after(async () => {
  await file.close();
  rmSync(directory, { recursive: true });
});

async function readThrough(window: BlobWindow, start: number, end: number, sizeOfBlob = size): Promise<Buffer> {
  const target = Buffer.alloc(end - start);
  return target.subarray(0, await window.copyTo(target, { start, end, size: sizeOfBlob }));
}

test('pieces one after the other are the whole blob', async () => {
  const window = new BlobWindow(file);
  const pieces: Buffer[] = [];
  for (let at = 0; at < size; at += 30_000) pieces.push(await readThrough(window, at, Math.min(at + 30_000, size)));
  assert.ok(Buffer.concat(pieces).equals(content));
});

test('many at once, back and forth, each get their own bytes', async () => {
  const window = new BlobWindow(file);
  const starts = Array.from({ length: 400 }, (_empty, index) => (index * 7_919_123) % (size - 40_000));
  await Promise.all(
    starts.map(async (start, index) => {
      for (let turn = 0; turn < index % 3; turn++) await file.stat();
      assert.ok((await readThrough(window, start, start + 40_000)).equals(content.subarray(start, start + 40_000)));
    }),
  );
});

test('a file that is shorter than its blob gives what it has', async () => {
  const window = new BlobWindow(file);
  assert.equal((await readThrough(window, size - 100, size + 100, size + 5000)).length, 100);
  assert.equal((await readThrough(window, size + 10, size + 100, size + 5000)).length, 0);
});

test('after a read that failed the next one tries again', async () => {
  const closed = await open(join(directory, 'blob'), 'r');
  let current = closed;
  const window = new BlobWindow({
    read: (...args: [Buffer, number, number, number]) => current.read(...args),
  } as FileHandle);
  await closed.close();
  await assert.rejects(readThrough(window, 0, 100), /closed|EBADF/);
  current = file;
  assert.ok((await readThrough(window, 0, 100)).equals(content.subarray(0, 100)));
});
