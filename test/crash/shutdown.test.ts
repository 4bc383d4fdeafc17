// An end of the daemon that somebody asked for: what is under way is finished, long streams are told to come again, and with
// `--stop-containers` all containers end, with their true statuses, though one of them or its shim does not play along.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { EventsService as ContainerdEvents } from '../../src/generated/containerd/services/events/v1/events.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { createContainer, createTask, removeContainer, runContainer, statusOf } from '../helpers/containers.js';
import { Counter } from '../helpers/counter.js';
import { Faults, faultyDaemon } from '../helpers/faults.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd(faultyDaemon);

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

test('a stop finishes the call that is under way, and tells long streams and waits to come again', async () => {
  await runContainer(daemon(), 'runs', ['/bin/sleep', '1000']);
  const names = { containerId: 'runs', execId: '' };
  const request = { after: 0n, since: undefined, filters: [], follow: true };
  const streams = [
    daemon().stream(EventsService.subscribe, request),
    daemon().stream(ContainerdEvents.subscribe, { filters: [] }),
  ];
  const waiting = daemon()
    .call(TasksService.wait, names, { limitMs })
    .catch(({ code }: { code: status }) => code);
  await createContainer(daemon(), 'slow', ['/bin/sleep', '1000']);
  const faults = new Faults(daemon());
  faults.armRuntime('create', 'delay 1');
  const creating = createTask(daemon(), 'slow');
  const isBegun = () => !faults.isRuntimeArmed('create') || undefined;
  await poll(isBegun, { limitMs, intervalMs: 10, what: 'the creation to be under way' });
  process.kill(daemon().pid, 'SIGTERM');
  assert.ok((await creating) > 0);
  for (const stream of streams) assert.equal((await stream.ended)?.code, status.UNAVAILABLE);
  assert.equal(await waiting, status.UNAVAILABLE);
  assert.equal(await daemon().ended(), 0);
  await daemon().start();
  assert.equal(await statusOf(daemon(), 'slow'), Status.CREATED);
  assert.equal(await statusOf(daemon(), 'runs'), Status.RUNNING);
  for (const id of ['slow', 'runs']) await removeContainer(daemon(), id);
});

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
