// What becomes of containers of a foreign shim when the daemon, or that shim, dies or hangs.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { createContainer, createTask, deleteTask, startTask, statusOf } from '../helpers/containers.js';
import {
  exitOf,
  goShim,
  kill,
  remove,
  runForeign,
  shimPidOf,
  shimSocketOf,
  topicsOf,
  untilTerm,
  waitFor,
} from '../helpers/foreign.js';
import { hasEnded } from '../helpers/host-state.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

const lifeOfTask = ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'];

async function pidOf(containerId: string, execId = ''): Promise<number> {
  return (await daemon().call(TasksService.get, { containerId, execId })).process?.pid ?? 0;
}

async function waitForEnd(pid: number): Promise<void> {
  const what = `the end of ${pid}`;
  await poll(() => hasEnded(pid) || undefined, { limitMs: 10_000, intervalMs: 10, what });
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a running container goes on over ${signal} of the daemon: exec, kill, wait, delete`, async () => {
    await runForeign(daemon(), 'goes-on', ...untilTerm);
    const shim = shimPidOf(daemon(), 'goes-on');
    await daemon().restart(signal);
    const exec = await daemon().ctr([
      'tasks',
      'exec',
      '--exec-id',
      'e1',
      'goes-on',
      '/bin/sh',
      '-c',
      'echo in; exit 3',
    ]);
    assert.deepEqual([exec.stdout, exec.code], ['in\n', 3], exec.stderr);
    assert.equal(shimPidOf(daemon(), 'goes-on'), shim);
    await assertCheckClean(daemon());
    await kill(daemon(), 'goes-on', 'SIGTERM');
    assert.equal(await waitFor(daemon(), 'goes-on'), 21);
    await remove(daemon(), 'goes-on');
    await waitForEnd(shim);
  });

  test(`exits while the daemon is down after ${signal} are told afterwards by the shim, once, execs first`, async () => {
    const id = `away-${signal.toLowerCase()}`;
    await runForeign(daemon(), id, ...untilTerm);
    await daemon().ctr(['tasks', 'exec', '-d', '--exec-id', 'e1', id, '/bin/sleep', '1000']);
    const pid = await pidOf(id);
    await (signal === 'SIGKILL' ? daemon().kill9() : daemon().stop());
    process.kill(pid, 'SIGTERM');
    await waitForEnd(pid);
    await daemon().start();
    assert.equal(await waitFor(daemon(), id), 21);
    assert.equal(await statusOf(daemon(), id, 'e1'), Status.STOPPED);
    assert.equal((await exitOf(daemon(), id)).provenance, Provenance.SHIM);
    await remove(daemon(), id);
    assert.deepEqual(await topicsOf(daemon(), id), [
      ...['/tasks/create', '/tasks/start', '/tasks/exec-added', '/tasks/exec-started'],
      ...['/tasks/exit', '/tasks/exit', '/tasks/delete'],
    ]);
  });
}

test('a task that is created and not started is started after a restart', async () => {
  await createContainer(daemon(), 'later', ['/bin/sh', '-c', 'exit 4'], { runtime: goShim });
  await createTask(daemon(), 'later');
  await daemon().restart('SIGKILL');
  await startTask(daemon(), 'later');
  assert.equal(await waitFor(daemon(), 'later'), 4);
  await remove(daemon(), 'later');
  assert.deepEqual(await topicsOf(daemon(), 'later'), lifeOfTask);
});

test('the container of a killed shim is ended, with the status that was measured, and leaves nothing', async () => {
  await runForeign(daemon(), 'orphaned', ...untilTerm);
  const pid = await pidOf('orphaned');
  const socket = shimSocketOf(daemon(), 'orphaned');
  process.kill(shimPidOf(daemon(), 'orphaned'), 'SIGKILL');
  assert.equal(await waitFor(daemon(), 'orphaned'), 137);
  const { provenance, signal } = await exitOf(daemon(), 'orphaned');
  assert.ok(provenance === Provenance.WAITED || provenance === Provenance.PIDFD, String(provenance));
  assert.equal(signal, 9);
  assert.ok(hasEnded(pid));
  await assertCheckClean(daemon());
  await remove(daemon(), 'orphaned');
  assert.equal(existsSync(socket), false);
  assert.deepEqual(await topicsOf(daemon(), 'orphaned'), lifeOfTask);
});

test('the paused container of a killed shim is ended, too', async () => {
  await runForeign(daemon(), 'frozen', ...untilTerm);
  const pid = await pidOf('frozen');
  await daemon().call(TasksService.pause, { containerId: 'frozen' });
  process.kill(shimPidOf(daemon(), 'frozen'), 'SIGKILL');
  assert.equal(await waitFor(daemon(), 'frozen'), 137);
  assert.ok(hasEnded(pid));
  await assertCheckClean(daemon());
  await remove(daemon(), 'frozen');
});

test('a container that ended by itself, whose daemon and shim were killed before they could tell, has no made up status', async () => {
  await runForeign(daemon(), 'both', ...untilTerm);
  const pid = await pidOf('both');
  const shim = shimPidOf(daemon(), 'both');
  await daemon().kill9();
  process.kill(shim, 'SIGKILL');
  await waitForEnd(shim);
  process.kill(pid, 'SIGTERM');
  await waitForEnd(pid);
  await daemon().start();
  const status = await waitFor(daemon(), 'both');
  const { provenance } = await exitOf(daemon(), 'both');
  // The kernel knows it until pid 1, whose child it became, has reaped it.
  assert.deepEqual([status, provenance], status === 21 ? [21, Provenance.PIDFD] : [255, Provenance.UNKNOWN]);
  await remove(daemon(), 'both');
});

test('a container whose daemon and shim are killed is ended by the next daemon', async () => {
  await runForeign(daemon(), 'alone', ...untilTerm);
  const shim = shimPidOf(daemon(), 'alone');
  await daemon().kill9();
  process.kill(shim, 'SIGKILL');
  await waitForEnd(shim);
  await daemon().start();
  assert.equal(await waitFor(daemon(), 'alone'), 137);
  await assertCheckClean(daemon());
  await remove(daemon(), 'alone');
});

test('a hung shim is found out by the call that it does not answer, and holds up nobody else', async () => {
  await runForeign(daemon(), 'hung', ...untilTerm);
  await runForeign(daemon(), 'well', ...untilTerm);
  process.kill(shimPidOf(daemon(), 'hung'), 'SIGSTOP');
  const asked = daemon().ctr(['tasks', 'metrics', 'hung']);
  await kill(daemon(), 'well', 'SIGTERM');
  assert.equal(await waitFor(daemon(), 'well'), 21);
  await remove(daemon(), 'well');
  assert.notEqual((await asked).code, 0);
  assert.equal(await waitFor(daemon(), 'hung'), 137);
  await remove(daemon(), 'hung');
});

test("a creation that the daemon's death cuts short leaves nothing, and can be made again", async () => {
  await daemon().stop();
  await daemon().start({ BERTH_FAILPOINT: 'create.init-made' });
  await createContainer(daemon(), 'cut', untilTerm, { runtime: goShim });
  await assert.rejects(createTask(daemon(), 'cut'));
  await daemon().died();
  await daemon().start();
  await createTask(daemon(), 'cut');
  await startTask(daemon(), 'cut');
  await assertCheckClean(daemon());
  await kill(daemon(), 'cut', 'SIGTERM');
  assert.equal(await waitFor(daemon(), 'cut'), 21);
  await remove(daemon(), 'cut');
});

for (const point of ['delete.shim-answered', 'delete.bundle-doomed'] as const) {
  test(`a deletion that the daemon's death cuts short at ${point} is finished by the next`, async () => {
    const id = `half-${point.replace('.', '-')}`;
    await daemon().stop();
    await daemon().start({ BERTH_FAILPOINT: point });
    await runForeign(daemon(), id, '/bin/sh', '-c', 'exit 5');
    assert.equal(await waitFor(daemon(), id), 5);
    await assert.rejects(deleteTask(daemon(), id));
    await daemon().died();
    await daemon().start();
    await remove(daemon(), id);
    await assertCheckClean(daemon());
    assert.deepEqual(await topicsOf(daemon(), id), lifeOfTask);
  });
}
