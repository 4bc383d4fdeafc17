import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDying } from '../../../src/linux/dying-process.js';
import { UnwaitedChild } from '../../helpers/unwaited-child.js';

test('a process is dying from its SIGKILL until it is waited for, and never before', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-dying-'));
  // What stands before the flags in /proc/PID/stat must not mislead.
  const program = join(directory, ') Z 0');
  copyFileSync('/bin/sleep', program);
  try {
    await using child = await UnwaitedChild.start(program);
    assert.equal(isDying(child.pid), false);
    process.kill(child.pid, 'SIGKILL');
    assert.equal(isDying(child.pid), true);
    await child.becomeZombie();
    assert.equal(isDying(child.pid), true);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a stopped process is dying once it has SIGKILL to take', async () => {
  await using child = await UnwaitedChild.start();
  process.kill(child.pid, 'SIGSTOP');
  assert.equal(isDying(child.pid), false);
  process.kill(child.pid, 'SIGTERM');
  assert.equal(isDying(child.pid), false);
  process.kill(child.pid, 'SIGKILL');
  assert.equal(isDying(child.pid), true);
});

test('a living process is not dying, nor is one that is not there', () => {
  assert.equal(isDying(process.pid), false);
  assert.equal(isDying(2 ** 22 + 1), false);
});
