// Named pipes through libc.
import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFifo } from '../../../src/linux/fifo.js';

test('a FIFO is made with its mode, and only where nothing is', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-fifo-'));
  try {
    const path = join(directory, 'pipe');
    makeFifo(path, 0o600);
    const status = lstatSync(path);
    assert.deepEqual([status.isFIFO(), status.mode & 0o777], [true, 0o600]);
    assert.throws(() => makeFifo(path, 0o600), { code: 'EEXIST', syscall: 'mkfifo', path });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
