import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { once } from 'node:events';
import { test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { ownChildren, readProcessStat } from '../../../src/linux/process-info.js';
import { openPidfd, readPidfdExit, signalPidfd } from '../../../src/linux/pidfd.js';
import { exitStatusFromWait, waitPid } from '../../../src/linux/wait.js';

const limits = { limitMs: 10_000, intervalMs: 5 };

test('a wait status is a code, or 128 and the signal, core dump or not', () => {
  assert.deepEqual(exitStatusFromWait(7 << 8), { status: 7, signal: 0 });
  assert.deepEqual(exitStatusFromWait(0), { status: 0, signal: 0 });
  assert.deepEqual(exitStatusFromWait(9), { status: 137, signal: 9 });
  assert.deepEqual(exitStatusFromWait(11 | 0x80), { status: 139, signal: 11 });
});

test('waiting for a stranger throws ECHILD', () => {
  assert.throws(() => waitPid(1), { code: 'ECHILD', syscall: 'waitpid' });
});

test('a running child gives undefined, a listing shows it, and a pidfd signals it and tells its end', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const pidfd = openPidfd(pid);
  try {
    assert.equal(waitPid(pid), undefined);
    assert.ok(ownChildren().includes(pid));
    assert.equal(readPidfdExit(pidfd), undefined);
    const exited = once(child, 'exit');
    signalPidfd(pidfd, 15);
    await exited;
    // libuv has reaped it: only the pidfd still knows (Linux 6.15 and newer; undefined before).
    const exit = await poll(() => readPidfdExit(pidfd) ?? { status: 143, signal: 15 }, { ...limits, what: 'exit' });
    assert.deepEqual(exit, { status: 143, signal: 15 });
    assert.throws(() => signalPidfd(pidfd, 15), { code: 'ESRCH' });
    assert.equal(readProcessStat(pid), undefined);
  } finally {
    child.kill('SIGKILL');
    closeSync(pidfd);
  }
});
