// Storage that fails under a real daemon: full, read-only, cut short, restored. What was told stays true, what cannot be
// kept is refused in plain words, and nothing needs a restart that can do without one.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { NamespacesService } from '../../src/generated/containerd/services/namespaces/v1/namespace.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { mountOn, unmountBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { containerMessage, createContainer, deleteTask, runContainer, waitForExit } from '../helpers/containers.js';
import { Counter } from '../helpers/counter.js';
import { projectRoot } from '../helpers/daemon.js';
import { hasEnded } from '../helpers/host-state.js';
import { runProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const SIGTERM = 15;
const exitCode = 21;
const trap = ['/bin/sh', '-c', `trap "exit ${exitCode}" TERM; while :; do sleep 0.02; done`];
const limitMs = 60_000;
const rootBytes = 8 * 1024 * 1024;

const daemon = useBerthd({ config: 'backup_interval_seconds = 1' });

/** Runs a berthd on the same directories to its end. */
async function berthd(...args: string[]) {
  const main = join(projectRoot, 'dist/bin/berthd/main.js');
  const paths = ['--config', daemon().path('config.toml'), '--root', daemon().root, '--state', daemon().state];
  return await runProgram(process.execPath, [main, ...paths, ...args]);
}

/** With a root of its own on a small tmpfs, which is gone afterwards. */
async function onSmallDisk(work: () => Promise<void>): Promise<void> {
  await daemon().stop();
  const options = [`size=${rootBytes}`, 'mode=711'];
  mountOn({ type: 'tmpfs', source: 'tmpfs', target: '', options }, daemon().root);
  try {
    await daemon().start();
    await work();
  } finally {
    await daemon().kill9();
    unmountBelow(daemon().root);
    await daemon().start();
  }
}

function fill(): void {
  const piece = Buffer.alloc(4096);
  try {
    for (;;) writeFileSync(join(daemon().root, 'filler'), piece, { flag: 'a' });
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
}

function makeRoom(): void {
  rmSync(join(daemon().root, 'filler'));
}

async function createNamespaces(prefix: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await daemon().call(NamespacesService.create, { namespace: { name: `${prefix}${index}`, labels: {} } });
  }
}

async function namespaces(): Promise<string[]> {
  const { namespaces: found } = await daemon().call(NamespacesService.list, { filter: '' });
  return found.map(({ name }) => name);
}

/** The exits in the journal, in order. */
async function exits(): Promise<number> {
  const request = { after: 0n, since: undefined, filters: ['topic=="/tasks/exit"'], follow: false };
  const stream = daemon().stream(EventsService.subscribe, request);
  assert.equal(await stream.ended, undefined);
  return stream.received.length;
}

test('with a full disk changes are refused, exits are kept back, and all goes on once there is room', async () => {
  await onSmallDisk(async () => {
    await runContainer(daemon(), 'c1', trap);
    fill();
    await assert.rejects(createNamespaces('full', 1000), (error: { code: number; details: string }) => {
      assert.equal(error.code, status.UNAVAILABLE);
      assert.match(error.details, /cannot write records: .*[Nn]o space left on device/);
      return true;
    });
    const known = await namespaces();
    await daemon().call(TasksService.kill, { containerId: 'c1', execId: '', signal: SIGTERM, all: false });
    const waited = waitForExit(daemon(), 'c1');
    await assert.rejects(
      daemon().call(ContainersService.create, { container: containerMessage(daemon(), 'c2', trap) }),
      {
        code: status.UNAVAILABLE,
      },
    );
    makeRoom();
    assert.equal(await waited, exitCode);
    assert.equal(await exits(), 1);
    await deleteTask(daemon(), 'c1');
    await daemon().call(ContainersService.delete, { id: 'c1' });
    await createNamespaces('roomy', 3);
    assert.deepEqual(await namespaces(), [...known, 'roomy0', 'roomy1', 'roomy2'].toSorted());
    await assertCheckClean(daemon());
    await daemon().restart('SIGKILL');
    assert.deepEqual(await namespaces(), [...known, 'roomy0', 'roomy1', 'roomy2'].toSorted());
  });
});

/** Since the daemon began. */
async function logged(pattern: RegExp): Promise<void> {
  const ownLog = () =>
    daemon()
      .log.split(/ ready .*address=/)
      .at(-1) ?? '';
  await poll(() => pattern.test(ownLog()) || undefined, { limitMs, intervalMs: 20, what: `${pattern} in the log` });
}

/** Until the records take nothing more: LevelDB has room left in what it has allocated already. */
async function fillRecords(): Promise<void> {
  fill();
  await assert.rejects(createNamespaces('full', 1000), { code: status.UNAVAILABLE });
}

test('on a full disk a container whose shim dies runs on, and is adopted once there is room', async () => {
  await onSmallDisk(async () => {
    const counter = await Counter.start(daemon(), 'c1');
    const pid = await counter.initPid();
    await fillRecords();
    process.kill(counter.shimPid, 'SIGKILL');
    await logged(/no shim can be had.*no shim can be had/s);
    assert.equal(hasEnded(pid), false);
    const { findings } = await daemon().call(MaintenanceService.check, { repair: false });
    assert.deepEqual(
      findings.map(({ invariant, object }) => [invariant, object]),
      [['tasks-have-shims', `${daemon().namespace}/c1`]],
    );
    makeRoom();
    await counter.countsOn();
    await counter.kill(SIGTERM);
    assert.equal(await counter.wait(), exitCode);
    await counter.remove();
    await assertCheckClean(daemon());
  });
});

test('the end of a container without a shim on a full disk is told as it was, once there is room', async () => {
  await onSmallDisk(async () => {
    await runContainer(daemon(), 'c1', trap);
    const { process: init } = await daemon().call(TasksService.get, { containerId: 'c1', execId: '' });
    const pid = init?.pid ?? 0;
    await fillRecords();
    const shim = Number(readFileSync(join(daemon().state, 'tasks', daemon().namespace, 'c1', 'shim.pid'), 'utf8'));
    process.kill(shim, 'SIGKILL');
    await logged(/no shim can be had/);
    // No shim takes it.
    await daemon().call(TasksService.kill, { containerId: 'c1', execId: '', signal: SIGTERM, all: false });
    await poll(() => hasEnded(pid) || undefined, { limitMs, intervalMs: 20, what: 'the end of the container' });
    const endedBy = Date.now();
    const waited = waitForExit(daemon(), 'c1');
    await logged(/a task could not be settled yet .*cannot write records/);
    assert.equal(await exits(), 0);
    makeRoom();
    assert.equal(await waited, exitCode);
    const { exit } = await daemon().call(ExitsService.get, { containerId: 'c1', execId: '' });
    // Of a wait, which only one can do, be it before there is room.
    assert.equal(exit?.provenance, Provenance.WAITED);
    const { seconds = 0n, nanos = 0 } = exit.exitedAt ?? {};
    assert.ok(Number(seconds) * 1000 + nanos / 1e6 < endedBy + 100);
    await deleteTask(daemon(), 'c1');
    await daemon().call(ContainersService.delete, { id: 'c1' });
    await assertCheckClean(daemon());
  });
});

test('a daemon refuses to start on a full disk, and with room again all is there', async () => {
  await onSmallDisk(async () => {
    await createNamespaces('kept', 3);
    await daemon().kill9();
    fill();
    const { stderr, code } = await berthd();
    assert.equal(code, 1);
    assert.match(stderr, /^berthd: .*[Nn]o space left on device[^\n]*\n$/);
    makeRoom();
    await daemon().start();
    assert.deepEqual(await namespaces(), ['kept0', 'kept1', 'kept2']);
  });
});

test('a daemon refuses to start on a read-only root, and names it', async () => {
  await onSmallDisk(async () => {
    await createNamespaces('kept', 1);
    await daemon().stop();
    mountOn({ type: 'tmpfs', source: 'tmpfs', target: '', options: ['remount', 'ro'] }, daemon().root);
    const { stderr, code } = await berthd();
    assert.equal(code, 1);
    assert.match(stderr, /[Rr]ead-only file system/);
    assert.match(stderr, new RegExp(daemon().root));
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    mountOn({ type: 'tmpfs', source: 'tmpfs', target: '', options: ['remount', 'rw'] }, daemon().root);
    await daemon().start();
    assert.ok((await namespaces()).includes('kept0'));
  });
});

test('records that lack what was committed are refused, and served again after a repair', async () => {
  await createNamespaces('repaired', 20);
  await daemon().kill9();
  const db = join(daemon().root, 'db');
  const log = join(
    db,
    readdirSync(db)
      .filter((name) => name.endsWith('.log'))
      .toSorted()
      .at(-1) ?? '',
  );
  truncateSync(log, statSync(log).size - 200);
  const refused = await berthd();
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /end with batch \d+, and \d+ were committed.*--repair-db/);
  const repaired = await berthd('--repair-db');
  assert.equal(repaired.code, 0, repaired.stderr);
  assert.match(repaired.stdout, /\d+ committed batches are lost/);
  await daemon().start();
  const left = (await namespaces()).filter((name) => name.startsWith('repaired'));
  assert.ok(left.length > 0 && left.length < 20, `${left.length} are left`);
  await assertCheckClean(daemon());
  for (const name of left) await daemon().call(NamespacesService.delete, { name });
});

test('a backup is made on schedule, and restored', async () => {
  await createContainer(daemon(), 'c1', trap);
  const backups = join(daemon().root, 'backups');
  const since = Date.now();
  const backup = await poll(() => newest(backups, since), { limitMs: 15_000, intervalMs: 50, what: 'a backup' });
  await daemon().call(ContainersService.delete, { id: 'c1' });
  await daemon().stop();
  const { stdout, stderr, code } = await berthd('--restore-db', backup);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /is restored; the records it replaced are in/);
  await daemon().start();
  assert.equal((await daemon().call(ContainersService.get, { id: 'c1' })).container?.id, 'c1');
  await daemon().call(ContainersService.delete, { id: 'c1' });
  await assertCheckClean(daemon());
});

/** A backup that was begun at `since` or later. */
function newest(directory: string, since: number): string | undefined {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.gz')) : [];
  const paths = names.map((name) => join(directory, name));
  return paths.find((path) => statSync(path).birthtimeMs > since);
}
