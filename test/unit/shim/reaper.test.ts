import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { ownChildren } from '../../../src/linux/process-info.js';
import { becomeSubreaper } from '../../../src/linux/subreaper.js';
import { Reaper, type Ended } from '../../../shim/reaper.js';

becomeSubreaper();

/** A process that orphans to us and then runs `script`; gives its pid. Before, the shell itself might reap it. */
function orphan(script: string): number {
  const waiting = 'while kill -0 $$; do sleep 0.01; done';
  const { stdout } = spawnSync('sh', ['-c', `(${waiting}; ${script}) >/dev/null 2>&1 & echo $!`]);
  return Number.parseInt(stdout.toString(), 10);
}

async function settled<T>(probe: () => T | undefined, what: string): Promise<T> {
  return poll(probe, { limitMs: 10_000, intervalMs: 5, what });
}

test('a watched process’s end is told once, however early it came', async () => {
  const told: Ended[] = [];
  const reaper = new Reaper((ended) => told.push(...ended));
  reaper.start();
  try {
    let pid = 0;
    await reaper.duringBirth(async () => {
      pid = orphan('exit 7');
      await settled(() => (told.length === 0 ? true : undefined), 'nothing told before the watch');
      reaper.watch(pid);
    });
    const end = await settled(() => told[0], 'its end');
    assert.deepEqual([end.pid, end.status, end.signal, end.provenance], [pid, 7, 0, 'waited']);
    reaper.sweep();
    assert.equal(told.length, 1);
  } finally {
    reaper.stop();
  }
});

test('a stray is reaped without a word, and a program’s end is told to whoever started it', async () => {
  const told: Ended[] = [];
  const reaper = new Reaper((ended) => told.push(...ended));
  reaper.start();
  try {
    const nothing = openSync('/dev/null', 'r+');
    const stdio = [nothing, nothing, nothing] as const;
    const program = { directory: '/', environment: process.env, stdio };
    const { ended } = reaper.spawn({ ...program, file: 'sh', args: ['-c', 'exit 3'] });
    const endless = reaper.spawn({ ...program, file: 'sleep', args: ['60'] });
    closeSync(nothing);
    const stray = orphan('exit 1');
    const ends: string[] = [];
    void ended.then(({ status }) => ends.push(`status ${status}`));
    void endless.ended.then(({ signal }) => ends.push(`signal ${signal}`));
    await settled(() => ends[0], 'the end of the one program');
    endless.kill();
    await settled(() => ends[1], 'the end of the other');
    endless.kill();
    assert.deepEqual(ends, ['status 3', 'signal 9']);
    await settled(() => {
      reaper.sweep();
      return ownChildren().includes(stray) ? undefined : true;
    }, 'the stray to be reaped');
    assert.deepEqual(told, []);
  } finally {
    reaper.stop();
  }
});

test('a process that is nobody’s child any more ends as unknown', () => {
  const told: Ended[] = [];
  const reaper = new Reaper((ended) => told.push(...ended));
  const { pid } = spawnSync('true');
  reaper.watch(pid);
  reaper.sweep();
  assert.deepEqual(
    told.map(({ pid: toldPid, status, provenance }) => [toldPid, status, provenance]),
    [[pid, 255, 'unknown']],
  );
});
