// berth.v1.Checkpoints: the catalogue, with real runc and CRIU.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, readdirSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { type Checkpoint, CheckpointOptions, CheckpointsService } from '../../src/generated/berth/v1/checkpoints.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import {
  counted,
  counter,
  createTask,
  deleteTask,
  removeContainer,
  runContainer,
  startTask,
  statusOf,
  waitForCount,
} from '../helpers/containers.js';
import { criuPath } from '../helpers/criu.js';
import { startBerthd, type TestDaemon } from '../helpers/daemon.js';
import { refusedWith } from '../helpers/refused.js';
import { useBerthd } from '../helpers/use-berthd.js';

const config = `criu = "${criuPath()}"\n`;
const daemon = useBerthd({ config });
const { INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, UNKNOWN, DATA_LOSS } = status;

async function create(
  containerId: string,
  name: string,
  options: Partial<CheckpointOptions> = {},
  on = daemon(),
): Promise<Checkpoint> {
  const request = { containerId, name, options: CheckpointOptions.fromPartial(options), parent: '' };
  const { checkpoint } = await on.call(CheckpointsService.create, request);
  return checkpoint ?? assert.fail('no checkpoint in the answer');
}

async function get(name: string, on = daemon()): Promise<Checkpoint> {
  const { checkpoint } = await on.call(CheckpointsService.get, { name });
  return checkpoint ?? assert.fail('no checkpoint in the answer');
}

async function list(filters: string[] = [], on = daemon()): Promise<string[]> {
  const { checkpoints } = await on.call(CheckpointsService.list, { filters });
  return checkpoints.map(({ name }) => name);
}

async function verify(name: string) {
  return (await daemon().call(CheckpointsService.verify, { name })).faults;
}

async function remove(name: string, on = daemon()): Promise<void> {
  await on.call(CheckpointsService.delete, { name });
}

async function restore(name: string, containerId = '', stdout = '', on = daemon()) {
  const streams = { stdin: '', stdout, stderr: '', terminal: false };
  return await on.call(CheckpointsService.restore, { name, containerId, ...streams, rootfs: [] });
}

/** Directories of checkpoints, whatever state they are in. */
function directories(on: TestDaemon): string[] {
  const root = `${on.root}/checkpoints/${on.namespace}`;
  if (!existsSync(root)) return [];
  return readdirSync(root).flatMap((id) => readdirSync(`${root}/${id}`).map((name) => `${id}/${name}`));
}

test('a checkpoint tells what it is of, with what it was made, and the digest of every file', async () => {
  await runContainer(daemon(), 'told', ['/bin/sleep', '1000']);
  const made = await create('told', 'first', { fileLocks: true });
  assert.deepEqual(await get('first'), made);
  assert.equal(made.containerId, 'told');
  assert.equal(made.options?.fileLocks, true);
  assert.match(made.criuVersion, /^4\./);
  assert.match(made.runtimeVersion, /^1\./);
  assert.ok(Math.abs(Number(made.createdAt?.seconds ?? 0n) - Date.now() / 1000) < 30);
  const spec = JSON.parse((made.spec?.value ?? Buffer.alloc(0)).toString()) as { process: { args: string[] } };
  assert.deepEqual(spec.process.args, ['/bin/sleep', '1000']);
  assert.ok(made.files.some(({ path }) => path === 'image/inventory.img'));
  for (const { path, digest, size } of made.files) {
    const content = readFileSync(`${dirname(made.imagePath)}/${path}`);
    assert.equal(BigInt(content.length), size);
    assert.equal(digest, `sha256:${createHash('sha256').update(content).digest('hex')}`);
  }
  assert.equal(
    made.size,
    made.files.reduce((sum, { size }) => sum + size, 0n),
  );
  await create('told', 'second');
  assert.deepEqual(await list(), ['first', 'second']);
  assert.deepEqual(await list(['name==second']), ['second']);
  assert.deepEqual(await list(['container_id==other']), []);
  await remove('first');
  await remove('second');
  assert.deepEqual(directories(daemon()), []);
  await removeContainer(daemon(), 'told');
});

test('a counter goes on from its number when it is restored, into its container and into new ones', async () => {
  const file = daemon().path('counter');
  await runContainer(daemon(), 'counter', counter, { stdout: `file://${file}` });
  await waitForCount(file, 3);
  await create('counter', 'at3', { exit: true });
  assert.equal(await statusOf(daemon(), 'counter'), Status.STOPPED);
  await deleteTask(daemon(), 'counter');
  const stopped = counted(file).length;
  assert.deepEqual((await restore('at3', '', `file://${file}`)).containerId, 'counter');
  await waitForCount(file, stopped + 3);
  for (const id of ['copy1', 'copy2']) {
    const { containerId, pid } = await restore('at3', id, `file://${daemon().path(id)}`);
    assert.equal(containerId, id);
    assert.ok(pid > 0);
    const first = await poll(() => readFileSync(daemon().path(id), 'utf8').split('\n').at(-2), {
      limitMs: 5_000,
      intervalMs: 10,
      what: 'a number',
    });
    assert.ok(Number(first) >= stopped, first);
    assert.equal(await statusOf(daemon(), id), Status.RUNNING);
  }
  for (const id of ['counter', 'copy1', 'copy2']) await removeContainer(daemon(), id);
  // The container is gone: the checkpoint remembers it.
  await restore('at3');
  assert.equal(await statusOf(daemon(), 'counter'), Status.RUNNING);
  await removeContainer(daemon(), 'counter');
  await remove('at3');
});

test("tasks restore from the catalogue through containerd's API too", async () => {
  await runContainer(daemon(), 'plain', ['/bin/sleep', '1000']);
  const { imagePath } = await create('plain', 'plain1', { exit: true });
  await deleteTask(daemon(), 'plain');
  await createTask(daemon(), 'plain', { options: { criuImagePath: imagePath } });
  assert.ok((await startTask(daemon(), 'plain')) > 0);
  await removeContainer(daemon(), 'plain');
  await remove('plain1');
});

test('verify finds a changed, a missing and a foreign file, and a damaged checkpoint is not restored', async () => {
  await runContainer(daemon(), 'verified', ['/bin/sleep', '1000']);
  const { imagePath } = await create('verified', 'damaged', { exit: true });
  assert.deepEqual(await verify('damaged'), []);
  appendFileSync(`${imagePath}/stranger`, 'x');
  truncateSync(`${imagePath}/core-1.img`, 1);
  const faults = await verify('damaged');
  assert.deepEqual(
    faults.map(({ path }) => path),
    ['image/core-1.img', 'image/stranger'],
  );
  assert.equal(faults[1]?.expectedDigest, '');
  await deleteTask(daemon(), 'verified');
  await assert.rejects(restore('damaged'), refusedWith(DATA_LOSS, /core-1\.img/));
  await assert.rejects(restore('damaged', 'elsewhere'), refusedWith(DATA_LOSS, /core-1\.img/));
  await removeContainer(daemon(), 'verified');
  await remove('damaged');
});

test('a restore that fails in CRIU leaves neither task nor container', async () => {
  await runContainer(daemon(), 'failing', ['/bin/sleep', '1000']);
  const { imagePath } = await create('failing', 'scrambled', { exit: true });
  await deleteTask(daemon(), 'failing');
  const path = `${imagePath}/core-1.img`;
  const { length } = readFileSync(path);
  truncateSync(path, 1);
  truncateSync(path, length);
  await assert.rejects(restore('scrambled', 'fresh'), refusedWith(UNKNOWN, /restore failed.*Error \(criu/));
  await assert.rejects(daemon().call(ContainersService.get, { id: 'fresh' }), refusedWith(NOT_FOUND, /fresh/));
  await assert.rejects(restore('scrambled'), refusedWith(UNKNOWN, /restore failed/));
  await assert.rejects(statusOf(daemon(), 'failing'), refusedWith(NOT_FOUND, /failing/));
  await removeContainer(daemon(), 'failing');
  await remove('scrambled');
});

test('a checkpoint that fails leaves the container running and nothing in the catalogue', async () => {
  await runContainer(daemon(), 'tty', ['/bin/sh', '-c', 'sleep 1000 < /dev/zero'], {});
  const exec = await daemon().ctr(['tasks', 'exec', '-d', '--exec-id', 'e1', 'tty', '/bin/sleep', '1000']);
  assert.equal(exec.code, 0, exec.stderr);
  await assert.rejects(create('tty', 'never', { exit: true }), refusedWith(FAILED_PRECONDITION, /e1/));
  assert.equal(await statusOf(daemon(), 'tty'), Status.RUNNING);
  assert.deepEqual(await list(), []);
  assert.deepEqual(directories(daemon()), []);
  await removeContainer(daemon(), 'tty');
});

test('names taken, unknown, invalid or of running tasks, pre-dumps and parents are refused', async () => {
  await runContainer(daemon(), 'names', ['/bin/sleep', '1000']);
  await create('names', 'taken');
  await assert.rejects(create('names', 'taken'), refusedWith(ALREADY_EXISTS, /taken/));
  await assert.rejects(create('names', '../up'), refusedWith(INVALID_ARGUMENT, /checkpoint name/));
  await assert.rejects(create('nobody', 'n'), refusedWith(NOT_FOUND, /nobody/));
  await assert.rejects(restore('taken'), refusedWith(ALREADY_EXISTS, /names/));
  await assert.rejects(get('unknown'), refusedWith(NOT_FOUND, /unknown/));
  await assert.rejects(remove('unknown'), refusedWith(NOT_FOUND, /unknown/));
  await assert.rejects(create('names', 'pre', { preDump: true }), refusedWith(FAILED_PRECONDITION, /mem_dirty_track/));
  const namespaceHeld = daemon().ctr(['namespaces', 'rm', daemon().namespace]);
  assert.match((await namespaceHeld).stderr, /checkpoints/);
  await remove('taken');
  await removeContainer(daemon(), 'names');
});

for (const point of ['checkpoint.dumped', 'checkpoint.published']) {
  test(`a daemon that dies at ${point} has the checkpoint of a container that is gone afterwards`, async () => {
    const dying = await startBerthd({ config, env: { BERTH_FAILPOINT: point } });
    try {
      const file = dying.path('count');
      await runContainer(dying, 'cut', counter, { stdout: `file://${file}` });
      await waitForCount(file, 3);
      await assert.rejects(create('cut', 'kept', { exit: true }, dying));
      await dying.kill9();
      await dying.start();
      await poll(async () => (await list([], dying)).includes('kept') || undefined, {
        limitMs: 10_000,
        intervalMs: 20,
        what: 'the checkpoint in the catalogue',
      });
      assert.equal(directories(dying).join(), 'cut/kept');
      await deleteTask(dying, 'cut');
      const stopped = counted(file).length;
      await restore('kept', '', `file://${file}`, dying);
      await waitForCount(file, stopped + 3);
      await removeContainer(dying, 'cut');
      await remove('kept', dying);
    } finally {
      await dying.dispose();
    }
  });
}

test('a daemon that dies before the dump has nothing left of the checkpoint afterwards', async () => {
  const dying = await startBerthd({ config, env: { BERTH_FAILPOINT: 'checkpoint.begun' } });
  try {
    await runContainer(dying, 'cut', ['/bin/sleep', '1000']);
    await assert.rejects(create('cut', 'never', { exit: true }, dying));
    await dying.kill9();
    assert.equal(directories(dying).join(), 'cut/.new-never');
    await dying.start();
    await poll(() => directories(dying).length === 0 || undefined, {
      limitMs: 10_000,
      intervalMs: 20,
      what: 'an empty catalogue',
    });
    assert.equal(await statusOf(dying, 'cut'), Status.RUNNING);
    await removeContainer(dying, 'cut');
  } finally {
    await dying.dispose();
  }
});

test('a dump that outlives its daemon is completed by the next one', async () => {
  const dying = await startBerthd({ config });
  try {
    const file = dying.path('count');
    await runContainer(dying, 'outlived', counter, { stdout: `file://${file}` });
    await waitForCount(file, 3);
    const doomed = create('outlived', 'late', { exit: true }, dying).catch(() => undefined);
    const staging = `${dying.root}/checkpoints/${dying.namespace}/outlived/.new-late/image/.berth-partial`;
    await poll(() => existsSync(`${staging}/mm-1.img`) || undefined, {
      limitMs: 10_000,
      intervalMs: 1,
      what: 'the dump to have begun',
    });
    await dying.kill9();
    await doomed;
    await dying.start();
    await poll(async () => (await list([], dying)).includes('late') || undefined, {
      limitMs: 10_000,
      intervalMs: 20,
      what: 'the checkpoint in the catalogue',
    });
    await deleteTask(dying, 'outlived');
    const stopped = counted(file).length;
    await restore('late', '', `file://${file}`, dying);
    await waitForCount(file, stopped + 3);
    await removeContainer(dying, 'outlived');
    await remove('late', dying);
  } finally {
    await dying.dispose();
  }
});
