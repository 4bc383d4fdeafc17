// Deaths under the real containerd: of containerd itself, with Berth's shim running on, and of the shim.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { parseExitJournal } from '../../src/domain/exit-journal.js';
import { TaskDelete, TaskExit } from '../../src/generated/containerd/events/task.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { EventsService } from '../../src/generated/containerd/services/events/v1/events.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { DeleteResponse } from '../../src/generated/containerd/task/v3/shim.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { statusOf, waitForExit } from '../helpers/containers.js';
import { projectRoot } from '../helpers/daemon.js';
import { hasEnded } from '../helpers/host-state.js';
import { runProgram } from '../helpers/program.js';
import { berthRuntime, bundlePath, shimSocket, useContainerd } from '../helpers/use-containerd.js';

const daemon = useContainerd();
const limits = { limitMs: 10_000, intervalMs: 20 };

async function runDetached(id: string, ...command: string[]): Promise<number> {
  const run = ['run', '-d', '--runtime', berthRuntime, '--rootfs', daemon().rootfs, id, ...command];
  const { stderr, code } = await daemon().ctr(run);
  assert.equal(code, 0, stderr);
  return Number(readFileSync(join(bundlePath(daemon(), id), 'shim.pid'), 'utf8'));
}

/** A subscription to the tasks' events, once containerd delivers on it. */
async function subscribe() {
  const stream = daemon().stream(EventsService.subscribe, { filters: ['topic~=^/(tasks|marker)'] });
  const event = { typeUrl: 'marker', value: Buffer.alloc(0) };
  const probe = async () => {
    await daemon().call(EventsService.publish, { topic: '/marker', event });
    return stream.received.length > 0 || undefined;
  };
  await poll(probe, { ...limits, what: 'the subscription' });
  const told = (topic: string) => stream.received.filter((envelope) => envelope.topic === topic);
  const first = async (topic: string): Promise<Uint8Array> => {
    const found = await poll(() => told(topic)[0], { ...limits, what: topic });
    return found.event?.value ?? assert.fail('no event');
  };
  return { first, told, cancel: () => stream.cancel() };
}

async function waitForEnd(pid: number): Promise<void> {
  await poll(() => hasEnded(pid) || undefined, { ...limits, what: `the end of ${pid}` });
}

async function removeContainer(id: string): Promise<void> {
  await daemon().call(ContainersService.delete, { id });
}

test('containerd killed and started again finds its container, and goes on with it', async () => {
  const shim = await runDetached('survivor', '/bin/sleep', '1000');
  await daemon().restart('SIGKILL');
  assert.equal(await statusOf(daemon(), 'survivor'), Status.RUNNING);
  const exec = await daemon().ctr(['tasks', 'exec', '--exec-id', 'e1', 'survivor', '/bin/echo', 'still here']);
  assert.equal(exec.stdout, 'still here\n');
  const events = await subscribe();
  await daemon().call(TasksService.kill, { containerId: 'survivor', execId: '', signal: 15, all: false });
  await daemon().call(TasksService.kill, { containerId: 'survivor', execId: '', signal: 9, all: false });
  const exit = TaskExit.decode(await events.first('/tasks/exit'));
  assert.deepEqual([exit.containerId, exit.id, exit.exitStatus], ['survivor', 'survivor', 137]);
  events.cancel();
  const deleted = await daemon().call(TasksService.delete, { containerId: 'survivor' });
  assert.equal(deleted.exitStatus, 137);
  await waitForEnd(shim);
  await removeContainer('survivor');
});

test('an exit while containerd is away is known to the next one', async () => {
  const go = join(daemon().rootfs, 'go');
  const shim = await runDetached('away', '/bin/sh', '-c', 'while [ ! -e /go ]; do sleep 0.02; done; exit 9');
  const journal = join(bundlePath(daemon(), 'away'), 'exits');
  await daemon().kill9();
  writeFileSync(go, '');
  const exit = () => parseExitJournal(readFileSync(journal, 'utf8'))[0]?.exit;
  const { status } = await poll(exit, { ...limits, what: 'the exit in the journal' });
  assert.equal(status, 9);
  await daemon().start();
  assert.equal(await statusOf(daemon(), 'away'), Status.STOPPED);
  assert.equal(await waitForExit(daemon(), 'away'), 9);
  assert.equal((await daemon().call(TasksService.delete, { containerId: 'away' })).exitStatus, 9);
  await waitForEnd(shim);
  await removeContainer('away');
  rmSync(go);
});

test('a shim killed with its container running: containerd is told 137, and nothing is left', async () => {
  const shim = await runDetached('orphan', '/bin/sleep', '1000');
  const { process: found } = await daemon().call(TasksService.get, { containerId: 'orphan', execId: '' });
  const events = await subscribe();
  process.kill(shim, 'SIGKILL');
  const exit = TaskExit.decode(await events.first('/tasks/exit'));
  assert.deepEqual([exit.exitStatus, exit.pid], [137, found?.pid]);
  assert.ok((exit.exitedAt?.seconds ?? 0n) > 1_700_000_000n);
  assert.equal(TaskDelete.decode(await events.first('/tasks/delete')).exitStatus, 137);
  events.cancel();
  assert.ok(hasEnded(found?.pid ?? 0));
  assert.ok(!existsSync(shimSocket(daemon(), 'orphan')));
  await removeContainer('orphan');
});

test('a shim killed with its container paused leaves nothing either', async () => {
  const shim = await runDetached('frozen', '/bin/sleep', '1000');
  await daemon().ctr(['tasks', 'pause', 'frozen']);
  const events = await subscribe();
  process.kill(shim, 'SIGKILL');
  assert.equal(TaskExit.decode(await events.first('/tasks/exit')).exitStatus, 137);
  events.cancel();
  await removeContainer('frozen');
});

test('a shim killed after its container has ended: the true status is found in its journal', async () => {
  const shim = await runDetached('truth', '/bin/sh', '-c', 'exit 5');
  await daemon().call(TasksService.wait, { containerId: 'truth', execId: '' });
  const events = await subscribe();
  process.kill(shim, 'SIGKILL');
  const deleted = TaskDelete.decode(await events.first('/tasks/delete'));
  assert.equal(deleted.exitStatus, 5);
  events.cancel();
  await removeContainer('truth');
});

test('delete may be repeated by hand, ends a shim that hangs, and removes what that held', async () => {
  const shim = await runDetached('hung', '/bin/sleep', '1000');
  const bundle = bundlePath(daemon(), 'hung');
  await daemon().kill9();
  process.kill(shim, 'SIGSTOP');
  const launcher = join(projectRoot, 'shim/containerd-shim-berth-v2');
  const flags = ['-namespace', daemon().namespace, '-address', daemon().socket, '-id', 'hung', '-bundle', bundle];
  for (let round = 0; round < 2; round++) {
    const { stdoutBytes, stderr, code } = await runProgram(launcher, [...flags, 'delete'], { cwd: bundle });
    assert.equal(code, 0, stderr);
    const answer = DeleteResponse.decode(stdoutBytes);
    assert.equal(answer.exitStatus, 137);
    assert.ok(answer.pid > 1 && hasEnded(answer.pid));
  }
  assert.ok(hasEnded(shim));
  await daemon().start();
  await removeContainer('hung');
});
