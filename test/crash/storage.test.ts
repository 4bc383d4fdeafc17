// Storage that fails under a real daemon: full, read-only, cut short, restored. What was told stays true, what cannot be
// kept is refused in plain words, and nothing needs a restart that can do without one.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { NamespacesService } from '../../src/generated/containerd/services/namespaces/v1/namespace.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { mountOn, unmountBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { containerMessage, createContainer, deleteTask, runContainer, waitForExit } from '../helpers/containers.js';
import { projectRoot } from '../helpers/daemon.js';
import { runProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const SIGTERM = 15;
const exitCode = 21;
const trap = ['/bin/sh', '-c', `trap "exit ${exitCode}" TERM; while :; do sleep 0.02; done`];
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
    // LevelDB may have room left in what it has allocated already.
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
