// A shim that dies or hangs costs its container nothing: it runs on, its output is whole, and its exit is true.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { Counter } from '../helpers/counter.js';
import { useBerthd } from '../helpers/use-berthd.js';

const SIGTERM = 15;
const SIGKILL = 9;

const daemon = useBerthd();

async function exitOf(containerId: string, execId = '') {
  const { exit } = await daemon().call(ExitsService.get, { containerId, execId });
  return exit ?? assert.fail(`no exit of ${containerId} ${execId}`);
}

async function findings() {
  return (await daemon().call(MaintenanceService.check, { repair: false })).findings;
}

test('a container whose shim is killed is adopted: output, exec, signals, exit and delete go on', async () => {
  const counter = await Counter.start(daemon(), 'adopted');
  const dead = counter.shimPid;
  process.kill(dead, 'SIGKILL');
  await counter.servedByAnother(dead);
  await counter.countsOn();
  const exec = await counter.exec('e1', '/bin/sh', '-c', 'echo in; exit 5');
  assert.deepEqual([exec.stdout, exec.code], ['in\n', 5], exec.stderr);
  await counter.kill(SIGTERM);
  assert.equal(await counter.wait(), 21);
  assert.notEqual((await exitOf('adopted')).provenance, Provenance.UNKNOWN);
  assert.deepEqual(await findings(), []);
  await counter.remove();
});

test('a shim may be killed again and again', async () => {
  const counter = await Counter.start(daemon(), 'again');
  for (let round = 0; round < 3; round++) {
    const dead = counter.shimPid;
    process.kill(dead, 'SIGKILL');
    await counter.servedByAnother(dead);
    await counter.countsOn();
  }
  await counter.kill(SIGKILL);
  assert.equal(await counter.wait(), 137);
  await counter.remove();
});

test('a container whose daemon and shim are killed at once is adopted by the next daemon', async () => {
  const counter = await Counter.start(daemon(), 'both');
  const dead = counter.shimPid;
  process.kill(dead, 'SIGKILL');
  await daemon().restart('SIGKILL');
  await counter.servedByAnother(dead);
  await counter.countsOn();
  await counter.kill(SIGTERM);
  assert.equal(await counter.wait(), 21);
  await counter.remove();
});

test('an exec that runs while its shim dies is adopted too, and its status is true', async () => {
  const counter = await Counter.start(daemon(), 'execs');
  const script = 'trap "exit 33" TERM; while :; do sleep 0.02; done';
  await daemon().ctr(['tasks', 'exec', '-d', '--exec-id', 'e1', 'execs', '/bin/sh', '-c', script]);
  const dead = counter.shimPid;
  process.kill(dead, 'SIGKILL');
  await counter.servedByAnother(dead);
  const { process: exec } = await daemon().call(TasksService.get, { containerId: 'execs', execId: 'e1' });
  assert.equal(exec?.status, Status.RUNNING);
  await daemon().call(TasksService.kill, { containerId: 'execs', execId: 'e1', signal: SIGTERM, all: false });
  const waited = await daemon().call(TasksService.wait, { containerId: 'execs', execId: 'e1' });
  assert.equal(waited.exitStatus, 33);
  await daemon().call(TasksService.deleteProcess, { containerId: 'execs', execId: 'e1' });
  await counter.kill(SIGKILL);
  assert.equal(await counter.wait(), 137);
  await counter.remove();
});

test('the status of a container that dies with its shim is still the true one', async () => {
  const counter = await Counter.start(daemon(), 'together');
  const init = await counter.initPid();
  process.kill(counter.shimPid, 'SIGKILL');
  process.kill(init, 'SIGKILL');
  assert.equal(await counter.wait(), 137);
  assert.notEqual((await exitOf('together')).provenance, Provenance.UNKNOWN);
  await counter.remove();
});

test('a hung shim is found out, and its container adopted, while others are served as ever', async () => {
  const hung = await Counter.start(daemon(), 'hung');
  const other = await Counter.start(daemon(), 'other');
  const stopped = hung.shimPid;
  process.kill(stopped, 'SIGSTOP');
  const asking = daemon().call(TasksService.listPids, { containerId: 'hung' }, { limitMs: 30_000 });
  await asking.catch(() => undefined);
  const exec = await other.exec('e1', '/bin/true');
  assert.equal(exec.code, 0, exec.stderr);
  await hung.servedByAnother(stopped);
  await hung.countsOn();
  for (const counter of [hung, other]) {
    await counter.kill(SIGTERM);
    assert.equal(await counter.wait(), 21);
    await counter.remove();
  }
});

test('a stopped task whose shim is gone is deleted all the same', async () => {
  const counter = await Counter.start(daemon(), 'stopped');
  await counter.kill(SIGTERM);
  assert.equal(await counter.wait(), 21);
  process.kill(counter.shimPid, 'SIGKILL');
  await counter.remove();
});

test('a stopped task whose shim dies under its deletion is deleted all the same', async () => {
  const counter = await Counter.start(daemon(), 'deleted');
  await counter.kill(SIGTERM);
  assert.equal(await counter.wait(), 21);
  // As soon as this: the daemon takes the shim for alive.
  process.kill(counter.shimPid, 'SIGKILL');
  await daemon().call(TasksService.delete, { containerId: 'deleted' });
  await daemon().call(ContainersService.delete, { id: 'deleted' });
});

/** A state directory on a disk is found with what another boot left in it, and one in memory is not found. */
const reboots = { 'a new boot': 'alive', 'a boot that empties the state directory': '.' } as const;

for (const [boot, gone] of Object.entries(reboots)) {
  test(`after ${boot} what ran has ended with an unknown status, and can be started again`, async () => {
    const id = boot.replaceAll(' ', '-');
    const counter = await Counter.start(daemon(), id);
    const init = await counter.initPid();
    const shim = counter.shimPid;
    await daemon().kill9();
    process.kill(shim, 'SIGKILL');
    process.kill(init, 'SIGKILL');
    await rm(join(daemon().state, gone), { recursive: true });
    await daemon().start();
    assert.equal(await counter.wait(), 255);
    assert.equal((await exitOf(id)).provenance, Provenance.UNKNOWN);
    const removed = await daemon().ctr(['tasks', 'rm', id]);
    assert.match(removed.stderr, /non-zero exit code 255/);
    const started = await daemon().ctr(['tasks', 'start', '-d', id]);
    assert.equal(started.code, 0, started.stderr);
    await counter.kill(SIGTERM);
    assert.equal(await counter.wait(), 21);
    await counter.remove();
  });
}
