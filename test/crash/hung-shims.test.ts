// A shim that hangs: found out by a call or by its container's end, told by Get, doctor and the log, and nobody else's trouble.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { makeFifo } from '../../src/linux/fifo.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import {
  createContainer,
  createTask,
  removeContainer,
  runContainer,
  startTask,
  statusOf,
} from '../helpers/containers.js';
import { Counter } from '../helpers/counter.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

const SIGTERM = 15;
/** What a `Counter` ends with on SIGTERM. */
const trapped = 21;
const others = 9;
/** The deadlines of a call and of the question after it, several times over. */
const limitMs = 60_000;

async function healthOf(containerId: string) {
  const { shims } = await daemon().call(MaintenanceService.shims, {});
  return shims.find((shim) => shim.containerId === containerId) ?? assert.fail(`no shim of ${containerId}`);
}

test('one of ten shims hangs: the others serve while calls to it wait, and Get, doctor and the log tell of it', async () => {
  const hung = await Counter.start(daemon(), 'hung');
  const well = Array.from({ length: others }, (_none, index) => `well-${index}`);
  for (const id of well) await runContainer(daemon(), id, ['/bin/sh', '-c', 'sleep 1000']);
  const stopped = hung.shimPid;
  process.kill(stopped, 'SIGSTOP');
  // It asks each shim, long before a call that the hung one does not answer makes it suspected.
  const unwell = await daemon().berth(['doctor']);
  assert.match(unwell.stdout, /9 of 10 answer/);
  assert.match(unwell.stdout, /hung \(pid \d+\) does not answer/);
  let isOver = false;
  const asking = daemon()
    .call(TasksService.listPids, { containerId: 'hung' }, { limitMs })
    .catch(() => undefined)
    .finally(() => (isOver = true));
  // Each of these is answered by the shim itself.
  await Promise.all(well.map((containerId) => daemon().call(TasksService.listPids, { containerId })));
  for (const id of well) assert.equal(await statusOf(daemon(), id), Status.RUNNING);
  assert.ok(!isOver, 'the call to the hung shim was to wait longest');
  const isUnknown = async () => (await statusOf(daemon(), 'hung')) === Status.UNKNOWN || undefined;
  await poll(isUnknown, { limitMs, intervalMs: 20, what: 'Get to say that the state is unknown' });
  // Its circuit is open: nobody waits for it any more.
  const [open, explained] = await Promise.all([
    healthOf('hung'),
    daemon().call(MaintenanceService.explain, { containerId: 'hung' }),
    assert.rejects(daemon().call(TasksService.listPids, { containerId: 'hung' }), /its circuit is open/),
  ]);
  assert.deepEqual([open.answers, open.circuitOpen], [false, true]);
  assert.match(explained.facts.find(({ name }) => name === 'shim')?.value ?? '', /does not answer, .*circuit is open/);
  await asking;
  await hung.servedByAnother(stopped);
  await hung.countsOn();
  assert.equal(await statusOf(daemon(), 'hung'), Status.RUNNING);
  assert.match(daemon().log, /a shim does not answer: calls to it fail at once.*containerId=hung/);
  assert.match(daemon().log, /a shim has hung.*containerId=hung/);
  const { answers, circuitOpen, hangs } = await healthOf('hung');
  assert.deepEqual([answers, circuitOpen, hangs], [true, false, 1]);
  const doctor = await daemon().berth(['doctor']);
  assert.match(doctor.stdout, /10 of 10 answer/);
  assert.match(doctor.stdout, /hung \(pid \d+\) answers, 1 before it hung and were replaced/);
  for (const id of well) await removeContainer(daemon(), id);
  await removeContainer(daemon(), 'hung');
});

test('a daemon that starts serves before a hung shim is found out, and then has its container adopted', async () => {
  const hung = await Counter.start(daemon(), 'silent');
  const well = await Counter.start(daemon(), 'fine');
  const stopped = hung.shimPid;
  await daemon().kill9();
  process.kill(stopped, 'SIGSTOP');
  await daemon().start();
  assert.equal((await well.exec('e1', '/bin/true')).code, 0);
  assert.equal(hung.shimPid, stopped, 'the hung shim has not been found out yet');
  await hung.servedByAnother(stopped, limitMs);
  for (const counter of [hung, well]) {
    await counter.countsOn();
    await counter.kill(SIGTERM);
    assert.equal(await counter.wait(), trapped);
    await counter.remove();
  }
});

test('the end of a container whose shim hangs is told, though nobody calls the shim, with its true status', async () => {
  const counter = await Counter.start(daemon(), 'unheard');
  const init = await counter.initPid();
  const waiting = daemon().call(TasksService.wait, { containerId: 'unheard', execId: '' }, { limitMs });
  process.kill(counter.shimPid, 'SIGSTOP');
  process.kill(init, 'SIGTERM');
  assert.equal((await waiting).exitStatus, 21);
  await counter.remove();
});

test('output that nobody reads is dropped, counted and told', async () => {
  const path = daemon().path('unread');
  makeFifo(path, 0o600);
  await createContainer(daemon(), 'loud', ['/bin/sh', '-c', 'head -c 2000000 /dev/zero; sleep 1000']);
  await createTask(daemon(), 'loud', { stdout: path });
  await startTask(daemon(), 'loud');
  const isTold = async () => (await healthOf('loud')).droppedBytes > 0n || undefined;
  await poll(isTold, { limitMs, intervalMs: 50, what: 'dropped output' });
  const explained = await daemon().berth(['explain', 'loud']);
  assert.match(explained.stdout, /\d+ bytes of output dropped/);
  await removeContainer(daemon(), 'loud');
});
