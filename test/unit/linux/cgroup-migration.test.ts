import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deferred } from '../../../src/base/deferred.js';
import { poll } from '../../../src/base/deadline.js';
import { cgroupMounts, directoryOf } from '../../../src/linux/cgroup.js';
import { hastenMigrations, waitsForGracePeriods } from '../../../src/linux/cgroup-migration.js';
import { readProcessCgroups } from '../../../src/linux/process-info.js';

test('a runtime is moved to where this process is, and left alone once it has ended', async () => {
  const [ours] = readProcessCgroups('self') ?? [];
  assert.ok(ours !== undefined);
  const parent = directoryOf(ours, ours.controllers[0], cgroupMounts());
  assert.ok(parent !== undefined);
  const elsewhere = `berth-move-${process.pid}`;
  mkdirSync(join(parent, elsewhere));
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const groupOf = () => readProcessCgroups(pid)?.[0]?.path;
  const moveElsewhere = () => {
    writeFileSync(join(parent, elsewhere, 'cgroup.procs'), String(pid));
    assert.equal(groupOf(), join(ours.path, elsewhere));
  };
  try {
    moveElsewhere();
    const ended = new Deferred<undefined>();
    hastenMigrations({ pid, ended: ended.promise }, true);
    const limits = { limitMs: 10_000, intervalMs: 1, what: 'a move' };
    await poll(() => (groupOf() === ours.path ? true : undefined), limits);
    ended.resolve(undefined);
    await ended.promise;
    moveElsewhere();
    // Neither does one that would not wait begin.
    hastenMigrations({ pid, ended: new Promise(() => undefined) }, false);
    await sleep(50);
    assert.equal(groupOf(), join(ours.path, elsewhere));
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    rmdirSync(join(parent, elsewhere));
  }
});

test('moves wait for grace periods, unless those are expedited and not told to be normal', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-rcu-'));
  const cases = [
    { files: { rcu_expedited: '0', rcu_normal: '0' }, waits: true },
    { files: { rcu_expedited: '1', rcu_normal: '0' }, waits: false },
    { files: { rcu_expedited: '1', rcu_normal: '1' }, waits: true },
    // A kernel whose RCU is not to be asked.
    { files: {}, waits: false },
  ];
  try {
    for (const { files, waits } of cases) {
      for (const name of readdirSync(directory)) rmSync(join(directory, name));
      for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), `${text}\n`);
      assert.equal(waitsForGracePeriods(directory), waits, JSON.stringify(files));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
