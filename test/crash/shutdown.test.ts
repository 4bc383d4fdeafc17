// `shutdown --stop-containers` where a container or its shim does not play along: all of them end, with their true statuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { removeContainer, runContainer, statusOf } from '../helpers/containers.js';
import { Counter } from '../helpers/counter.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

/** Of the daemon: to pass a signal on, to find out that a shim hangs, and to settle its container. */
const limitMs = 60_000;
/** What a `Counter` ends with on SIGTERM. */
const trapped = 21;
const killed = 137;

/** Returns how many containers have been stopped; another daemon runs afterwards. */
async function shutDown(seconds: bigint): Promise<number> {
  const request = { stopContainers: true, timeout: { seconds, nanos: 0 } };
  const { stoppedContainers } = await daemon().call(MaintenanceService.shutdown, request, { limitMs });
  assert.equal(await daemon().ended(), 0);
  await daemon().start();
  return stoppedContainers;
}

async function statusOfEnded(containerId: string): Promise<number> {
  assert.equal(await statusOf(daemon(), containerId), Status.STOPPED);
  return (await daemon().call(TasksService.wait, { containerId, execId: '' })).exitStatus;
}

test('a container whose shim hangs gets its SIGTERM all the same, and its true status is told', async () => {
  const hung = await Counter.start(daemon(), 'hung');
  const well = await Counter.start(daemon(), 'well');
  process.kill(hung.shimPid, 'SIGSTOP');
  assert.equal(await shutDown(30n), 2);
  for (const [counter, id] of [
    [hung, 'hung'],
    [well, 'well'],
  ] as const) {
    assert.equal(await statusOfEnded(id), trapped);
    await counter.remove();
  }
});

test('a container that ignores SIGTERM and whose shim hangs is killed', async () => {
  await runContainer(daemon(), 'deaf', ['/bin/sleep', '1000']);
  const { shims } = await daemon().call(MaintenanceService.shims, {});
  process.kill(shims.find(({ containerId }) => containerId === 'deaf')?.pid ?? assert.fail(), 'SIGSTOP');
  assert.equal(await shutDown(1n), 1);
  assert.equal(await statusOfEnded('deaf'), killed);
  await removeContainer(daemon(), 'deaf');
});

test('a paused container, which takes no SIGTERM, is killed', async () => {
  await runContainer(daemon(), 'paused', ['/bin/sleep', '1000']);
  await daemon().call(TasksService.pause, { containerId: 'paused' });
  assert.equal(await shutDown(1n), 1);
  assert.equal(await statusOfEnded('paused'), killed);
  await removeContainer(daemon(), 'paused');
});

test('a paused container whose shim hangs is killed, too', async () => {
  await runContainer(daemon(), 'frozen', ['/bin/sleep', '1000']);
  await daemon().call(TasksService.pause, { containerId: 'frozen' });
  const { shims } = await daemon().call(MaintenanceService.shims, {});
  process.kill(shims.find(({ containerId }) => containerId === 'frozen')?.pid ?? assert.fail(), 'SIGSTOP');
  assert.equal(await shutDown(1n), 1);
  assert.equal(await statusOfEnded('frozen'), killed);
  await removeContainer(daemon(), 'frozen');
});
