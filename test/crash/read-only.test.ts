// File systems that stop to take writes under a running daemon: ROOT and STATE made read-only by the kernel, a full or
// read-only STATE. Changes are refused in plain words, what can be read is served, no exit is lost, and none is told before
// it is durable.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { mountOn, unmountBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import {
  createContainer,
  createTask,
  deleteTask,
  removeContainer,
  runContainer,
  startTask,
  statusOf,
  waitForExit,
} from '../helpers/containers.js';
import { WriteDialogue } from '../helpers/content.js';
import { onExt4 } from '../helpers/ext4-disk.js';
import { hasEnded } from '../helpers/host-state.js';
import { useBerthd } from '../helpers/use-berthd.js';

const SIGTERM = 15;
const exitCode = 21;
const trap = ['/bin/sh', '-c', `trap "exit ${exitCode}" TERM; while :; do sleep 0.02; done`];
const stateBytes = 4 * 1024 * 1024;
const limits = { limitMs: 30_000, intervalMs: 20 };

const daemon = useBerthd();

/** The daemon has its state on a tmpfs of its own meanwhile, as on most hosts. */
async function onStateTmpfs(work: (remount: (how: 'ro' | 'rw') => void) => Promise<void>): Promise<void> {
  const { state } = daemon();
  const mount = (...options: string[]): void =>
    mountOn(
      { type: 'tmpfs', source: 'tmpfs', target: '', options: [`size=${stateBytes}`, 'mode=711', ...options] },
      state,
    );
  await daemon().stop();
  mount();
  try {
    await daemon().start();
    await work((how) => mount('remount', how));
  } finally {
    await daemon().kill9();
    unmountBelow(state);
    await daemon().start();
  }
}

async function signal(id: string): Promise<void> {
  await daemon().call(TasksService.kill, { containerId: id, execId: '', signal: SIGTERM, all: false });
}

/** The exits in the journal, in order. */
async function exits(): Promise<number> {
  const request = { after: 0n, since: undefined, filters: ['topic=="/tasks/exit"'], follow: false };
  const stream = daemon().stream(EventsService.subscribe, request);
  assert.equal(await stream.ended, undefined);
  return stream.received.length;
}

async function failures(): Promise<[string, string][]> {
  const { directories } = await daemon().call(MaintenanceService.storage, {});
  return directories.filter(({ failure }) => failure !== '').map(({ name, failure }) => [name, failure]);
}

function inBundle(id: string, file: string): string {
  return join(daemon().state, 'tasks', daemon().namespace, id, file);
}

const readOnly = { code: status.UNAVAILABLE, details: /[Rr]ead-only file system/ };

test('with a root that the kernel has made read-only reads are served, changes refused, and exits kept back', async () => {
  await onExt4(daemon(), daemon().root, async (disk) => {
    await runContainer(daemon(), 'c1', trap);
    await runContainer(daemon(), 'c2', trap);
    assert.deepEqual(await failures(), []);
    disk.turnReadOnly();
    await assert.rejects(createContainer(daemon(), 'c3', trap), readOnly);
    await assert.rejects(new WriteDialogue(daemon()).send({ ref: 'blob' }), readOnly);
    assert.equal(await statusOf(daemon(), 'c2'), Status.RUNNING);
    const waited = waitForExit(daemon(), 'c1').catch(() => undefined);
    await signal('c1');
    await poll(() => readFileSync(inBundle('c1', 'exits'), 'utf8') !== '' || undefined, {
      ...limits,
      what: 'the exit in the journal of its shim',
    });
    // Told to nobody, as it cannot be made durable.
    assert.equal(await exits(), 0);
    const [[name, failure] = []] = await failures();
    assert.equal(name, 'root');
    assert.match(failure ?? '', /[Rr]ead-only file system/);
    const { stdout } = await daemon().berth(['doctor']);
    assert.match(stdout, /WARN {2}storage +root .* takes no writes: .*[Rr]ead-only file system/);
    assert.equal(await daemon().stop(), 0);
    await waited;
    await disk.mend();
    await daemon().start();
    assert.equal(await waitForExit(daemon(), 'c1'), exitCode);
    const { exit } = await daemon().call(ExitsService.get, { containerId: 'c1', execId: '' });
    assert.equal(exit?.provenance, Provenance.WAITED);
    assert.equal(await exits(), 1);
    await signal('c2');
    assert.equal(await waitForExit(daemon(), 'c2'), exitCode);
    await removeContainer(daemon(), 'c1');
    await removeContainer(daemon(), 'c2');
    assert.deepEqual(await failures(), []);
    await assertCheckClean(daemon());
  });
});

test('with a state directory that the kernel has made read-only ends are told, and what is left is deleted later', async () => {
  await onExt4(daemon(), daemon().state, async (disk) => {
    await runContainer(daemon(), 'c1', trap);
    await createContainer(daemon(), 'c2', trap);
    const shim = Number(readFileSync(inBundle('c1', 'shim.pid'), 'utf8'));
    disk.turnReadOnly();
    await assert.rejects(createTask(daemon(), 'c2'), readOnly);
    const [[name] = []] = await failures();
    assert.equal(name, 'state');
    await signal('c1');
    // Its shim cannot write it down; the records are elsewhere, and the daemon makes it last there.
    assert.equal(await waitForExit(daemon(), 'c1'), exitCode);
    assert.equal(await exits(), 1);
    await assert.rejects(deleteTask(daemon(), 'c1'));
    assert.equal(await daemon().stop(), 0);
    // It lives on, as after any end of the daemon, and nobody can unmount what it works in.
    process.kill(shim, 'SIGKILL');
    await poll(() => hasEnded(shim) || undefined, { ...limits, what: 'the end of the shim' });
    await disk.mend();
    await daemon().start();
    assert.equal(await waitForExit(daemon(), 'c1'), exitCode);
    await deleteTask(daemon(), 'c1');
    await removeContainer(daemon(), 'c1');
    await removeContainer(daemon(), 'c2');
    assert.equal(await exits(), 1);
    await assertCheckClean(daemon());
  });
});

test('a state directory that is read-only for a while is written again without a restart', async () => {
  await onStateTmpfs(async (remount) => {
    await createContainer(daemon(), 'c1', trap);
    remount('ro');
    await assert.rejects(createTask(daemon(), 'c1'), readOnly);
    remount('rw');
    await createTask(daemon(), 'c1');
    await startTask(daemon(), 'c1');
    await signal('c1');
    assert.equal(await waitForExit(daemon(), 'c1'), exitCode);
    assert.deepEqual(await failures(), []);
    await removeContainer(daemon(), 'c1');
    await assertCheckClean(daemon());
  });
});

test('with a full state directory creations are refused and leave nothing, and ends are told', async () => {
  await onStateTmpfs(async () => {
    await runContainer(daemon(), 'c1', trap);
    await createContainer(daemon(), 'c2', trap);
    fill(daemon().state);
    await assert.rejects(createTask(daemon(), 'c2'), { code: status.RESOURCE_EXHAUSTED, details: /[Nn]o space left/ });
    assert.deepEqual(
      (await failures()).map(([name]) => name),
      ['state'],
    );
    await signal('c1');
    assert.equal(await waitForExit(daemon(), 'c1'), exitCode);
    // What a deletion does takes no room, and makes some.
    await deleteTask(daemon(), 'c1');
    rmSync(join(daemon().state, 'filler'));
    await createTask(daemon(), 'c2');
    await startTask(daemon(), 'c2');
    await signal('c2');
    assert.equal(await waitForExit(daemon(), 'c2'), exitCode);
    await removeContainer(daemon(), 'c1');
    await removeContainer(daemon(), 'c2');
    await assertCheckClean(daemon());
  });
});

function fill(directory: string): void {
  const piece = Buffer.alloc(4096);
  try {
    for (;;) writeFileSync(join(directory, 'filler'), piece, { flag: 'a' });
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
}
