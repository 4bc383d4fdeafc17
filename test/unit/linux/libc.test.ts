import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync, statSync, writeFileSync, readSync, writeSync, fstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isSystemError, systemError } from '../../../src/linux/libc.js';
import { makeFifo, openPipe, setNonBlocking, unreadBytes } from '../../../src/linux/pipe.js';

test('an errno becomes an error with the code, the syscall and the path that node:fs would give', () => {
  const error = systemError('mount', 2, '/nowhere');
  assert.deepEqual([error.code, error.errno, error.syscall, error.path], ['ENOENT', -2, 'mount', '/nowhere']);
  assert.equal(systemError('waitpid', 10).code, 'ECHILD');
  assert.equal(systemError('read', 11).code, 'EAGAIN');
  assert.ok(isSystemError(error, 'EPERM', 'ENOENT'));
  assert.ok(!isSystemError(error, 'EPERM'));
});

test('a pipe carries bytes, counts the unread ones and can be made non-blocking', () => {
  const { read, write } = openPipe();
  try {
    writeSync(write, 'hello');
    assert.equal(unreadBytes(read), 5);
    assert.equal(readSync(read, Buffer.alloc(16)), 5);
    setNonBlocking(read);
    assert.throws(() => readSync(read, Buffer.alloc(16)), { code: 'EAGAIN' });
    assert.ok(fstatSync(read).isFIFO());
  } finally {
    closeSync(read);
    closeSync(write);
  }
});

test('a FIFO is made once, and a second time is EEXIST', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-fifo-'));
  try {
    const path = join(directory, 'fifo');
    makeFifo(path, 0o600);
    assert.ok(statSync(path).isFIFO());
    assert.throws(() => makeFifo(path, 0o600), { code: 'EEXIST', syscall: 'mkfifo' });
    writeFileSync(join(directory, 'file'), '');
    assert.throws(() => makeFifo(join(directory, 'file', 'x'), 0o600), { code: 'ENOTDIR' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
