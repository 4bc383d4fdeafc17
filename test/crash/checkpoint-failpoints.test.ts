// A shim that dies at each step of a checkpoint and of a restore, and in the middle of CRIU's dump: the container runs on
// without a number missing in its count, or has ended and says so truly; the catalogue holds what is whole, and nothing else.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { CheckpointOptions, CheckpointsService } from '../../src/generated/berth/v1/checkpoints.js';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import {
  counted,
  counter,
  deleteTask,
  removeContainer,
  runContainer,
  statusOf,
  waitForCount,
  waitForExit,
} from '../helpers/containers.js';
import { criuPath } from '../helpers/criu.js';
import { Faults, faultyDaemon } from '../helpers/faults.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd({ ...faultyDaemon, config: `criu = "${criuPath()}"\n` });
const limits = { limitMs: 60_000, intervalMs: 20 };
const SIGKILL = 137;

/** False when it failed. */
async function checkpoint(id: string, exit: boolean): Promise<boolean> {
  const request = { containerId: id, name: id, options: CheckpointOptions.fromPartial({ exit }), parent: '' };
  return await daemon()
    .call(CheckpointsService.create, request, limits)
    .then(
      () => true,
      () => false,
    );
}

async function restore(id: string, stdout: string): Promise<void> {
  const streams = { stdin: '', stdout: `file://${stdout}`, stderr: '', terminal: false };
  await daemon().call(CheckpointsService.restore, { name: id, containerId: '', ...streams, rootfs: [] }, limits);
}

async function catalogue(): Promise<string[]> {
  const { checkpoints } = await daemon().call(CheckpointsService.list, { filters: [] });
  for (const { name } of checkpoints) {
    assert.deepEqual((await daemon().call(CheckpointsService.verify, { name })).faults, []);
  }
  return checkpoints.map(({ name }) => name);
}

/** Directories of checkpoints, whatever state they are in. */
function directories(): string[] {
  const root = `${daemon().root}/checkpoints/${daemon().namespace}`;
  if (!existsSync(root)) return [];
  return readdirSync(root).flatMap((id) => readdirSync(`${root}/${id}`).map((name) => `${id}/${name}`));
}

/** What has become of the container, once a shim serves it again or its end is known. */
async function settled(id: string): Promise<Status> {
  const probe = async (): Promise<Status | undefined> => {
    const status = await statusOf(daemon(), id);
    return status === Status.RUNNING || status === Status.STOPPED ? status : undefined;
  };
  return await poll(probe, { ...limits, what: `the fate of ${id}` });
}

async function countsOn(file: string): Promise<void> {
  await waitForCount(file, counted(file).length + 5);
}

async function assertKilled(id: string): Promise<void> {
  assert.equal(await waitForExit(daemon(), id), SIGKILL);
  const { exit } = await daemon().call(ExitsService.get, { containerId: id, execId: '' });
  assert.notEqual(exit?.provenance, Provenance.UNKNOWN);
}

/** Nothing is left but what the catalogue has, and all of that can be taken away. */
async function clear(id: string): Promise<void> {
  await removeContainer(daemon(), id);
  for (const name of await catalogue()) await daemon().call(CheckpointsService.delete, { name });
  const isEmpty = () => directories().length === 0 || undefined;
  await poll(isEmpty, { ...limits, what: 'an empty catalogue' }).catch((error: unknown) => {
    throw new Error(`left: ${directories().join(' ')}`, { cause: error });
  });
  await assertCheckClean(daemon());
}

const steps = ['shim.checkpoint-begun', 'shim.checkpoint-dumped', 'shim.checkpoint-published'] as const;

for (const point of steps) {
  test(`a shim that dies at ${point} costs a container that is to run on nothing`, async () => {
    const [id, file] = ['stays', daemon().path(`stays-${point}`)];
    await runContainer(daemon(), id, counter, { stdout: `file://${file}` });
    await waitForCount(file, 3);
    const faults = new Faults(daemon());
    faults.armPoint(point);
    const made = await checkpoint(id, false);
    assert.ok(!faults.isArmed(point), 'nobody has passed the point');
    assert.equal(await settled(id), Status.RUNNING);
    await countsOn(file);
    assert.deepEqual(await catalogue(), made ? [id] : []);
    if (!made) assert.ok(await checkpoint(id, false));
    assert.deepEqual(await catalogue(), [id]);
    await clear(id);
  });

  test(`a shim that dies at ${point} leaves a container that was to end running, or ended and told so`, async () => {
    const [id, file] = ['ends', daemon().path(`ends-${point}`)];
    await runContainer(daemon(), id, counter, { stdout: `file://${file}` });
    await waitForCount(file, 3);
    const faults = new Faults(daemon());
    faults.armPoint(point);
    await checkpoint(id, true);
    assert.ok(!faults.isArmed(point), 'nobody has passed the point');
    if (point === 'shim.checkpoint-begun') {
      assert.equal(await settled(id), Status.RUNNING);
      await countsOn(file);
      assert.ok(await checkpoint(id, true));
    }
    await assertKilled(id);
    await deleteTask(daemon(), id);
    // An image that came whole is in the catalogue, at the latest with the next start.
    await daemon().restart();
    const isWhole = point !== 'shim.checkpoint-dumped';
    const what = 'the catalogue to be settled';
    const expected = isWhole ? `${id}/${id}` : '';
    await poll(() => directories().join() === expected || undefined, { ...limits, what });
    if (isWhole) {
      await poll(async () => (await catalogue()).includes(id) || undefined, { ...limits, what });
      await restore(id, file);
      await countsOn(file);
    }
    await clear(id);
  });
}

test('a shim that dies in the middle of the dump leaves the container running, or ended and told so', async () => {
  const [id, file] = ['middle', daemon().path('middle')];
  await runContainer(daemon(), id, counter, { stdout: `file://${file}` });
  await waitForCount(file, 3);
  const shim = Number(readFileSync(join(daemon().state, 'tasks', daemon().namespace, id, 'shim.pid'), 'utf8'));
  const dump = checkpoint(id, false);
  const staging = `${daemon().root}/checkpoints/${daemon().namespace}/${id}/.new-${id}/image/.berth-partial`;
  await poll(() => existsSync(`${staging}/mm-1.img`) || undefined, { ...limits, intervalMs: 1, what: 'a dump' });
  process.kill(shim, 'SIGKILL');
  const made = await dump;
  if ((await settled(id)) === Status.RUNNING) await countsOn(file);
  else assert.notEqual(await waitForExit(daemon(), id), 0);
  assert.deepEqual(await catalogue(), made ? [id] : []);
  await clear(id);
});

test('a shim that dies as it begins to restore leaves a checkpoint that is restored by the next', async () => {
  const [id, file] = ['restored', daemon().path('restored')];
  await runContainer(daemon(), id, counter, { stdout: `file://${file}` });
  await waitForCount(file, 3);
  assert.ok(await checkpoint(id, true));
  await deleteTask(daemon(), id);
  const faults = new Faults(daemon());
  faults.armPoint('shim.restore-begun');
  await assert.rejects(restore(id, file));
  assert.ok(!faults.isArmed('shim.restore-begun'), 'nobody has passed the point');
  await deleteTask(daemon(), id).catch(() => undefined);
  await restore(id, file);
  assert.equal(await settled(id), Status.RUNNING);
  await countsOn(file);
  await clear(id);
});
