// Pause and resume: a paused container stands still, shows it, takes SIGKILL, and refuses what it cannot do.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import {
  cgroupFile,
  counted,
  counter,
  removeContainer,
  runContainer,
  statusOf,
  waitForCount,
  waitForExit,
} from '../helpers/containers.js';
import { startBerthd } from '../helpers/daemon.js';
import { refusedWith } from '../helpers/refused.js';
import { runProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { untilItTrapsTerm } from '../helpers/traps.js';

const daemon = useBerthd();

async function pause(id: string): Promise<void> {
  await daemon().call(TasksService.pause, { containerId: id });
}

async function resume(id: string): Promise<void> {
  await daemon().call(TasksService.resume, { containerId: id });
}

async function exec(id: string, execId: string): Promise<void> {
  const value = Buffer.from(JSON.stringify({ args: ['/bin/sleep', '1000'], cwd: '/' }));
  const spec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process', value };
  const streams = { stdin: '', stdout: '', stderr: '', terminal: false };
  await daemon().call(TasksService.exec, { containerId: id, execId, spec, ...streams });
  await daemon().call(TasksService.start, { containerId: id, execId });
}

function failsPrecondition(pattern: RegExp) {
  return refusedWith(status.FAILED_PRECONDITION, pattern);
}

async function runc(verb: string, id: string): Promise<void> {
  const root = join(daemon().state, 'runc', daemon().namespace);
  const { code, stderr } = await runProgram('runc', ['--root', root, verb, id]);
  assert.equal(code, 0, stderr);
}

async function topicsOf(id: string): Promise<string[]> {
  const request = { after: 0n, since: undefined, filters: [`event.container_id==${id}`], follow: false };
  const stream = daemon().stream(EventsService.subscribe, request);
  assert.equal(await stream.ended, undefined);
  return stream.received.flatMap(({ entry }) => (entry?.$case === 'event' ? [entry.value.topic] : []));
}

async function waitForStatus(id: string, expected: Status): Promise<void> {
  await poll(async () => (await statusOf(daemon(), id)) === expected || undefined, {
    limitMs: 5_000,
    intervalMs: 10,
    what: `status ${expected} of ${id}`,
  });
}

test('ctr pauses and resumes a counter, which stands still meanwhile and then goes on', async () => {
  const file = daemon().path('count');
  await runContainer(daemon(), 'still', counter, { stdout: `file://${file}` });
  await waitForCount(file, 3);
  const paused = await daemon().ctr(['tasks', 'pause', 'still']);
  assert.equal(paused.code, 0, paused.stderr);
  assert.match((await daemon().ctr(['tasks', 'ls'])).stdout, /^still +\d+ +PAUSED/m);
  assert.equal(cgroupFile(daemon(), 'still', 'freezer', 'freezer.state'), 'FROZEN');
  // What had left the process may still be on its way.
  let before = -1;
  const settled = await poll(
    () => {
      const now = counted(file).length;
      const isSame = now === before;
      before = now;
      return isSame ? now : undefined;
    },
    { limitMs: 5_000, intervalMs: 100, what: 'a counter at rest' },
  );
  assert.equal((await daemon().ctr(['tasks', 'resume', 'still'])).code, 0);
  await waitForCount(file, settled + 3);
  assert.equal(await statusOf(daemon(), 'still'), Status.RUNNING);
  await removeContainer(daemon(), 'still');
  const topics = ['create', 'start', 'paused', 'resumed', 'exit', 'delete'].map((name) => `/tasks/${name}`);
  assert.deepEqual(await topicsOf('still'), topics);
});

test('an exec of a paused container reads paused, a new one is refused, and both work after the resume', async () => {
  await runContainer(daemon(), 'execs', ['/bin/sleep', '1000']);
  await exec('execs', 'e1');
  await pause('execs');
  assert.equal(await statusOf(daemon(), 'execs', 'e1'), Status.PAUSED);
  await assert.rejects(exec('execs', 'e2'), failsPrecondition(/paused/));
  await resume('execs');
  assert.equal(await statusOf(daemon(), 'execs', 'e1'), Status.RUNNING);
  await exec('execs', 'e3');
  await removeContainer(daemon(), 'execs');
});

test('pausing twice, resuming what runs and deleting what is paused are refused', async () => {
  await runContainer(daemon(), 'refused', ['/bin/sleep', '1000']);
  await assert.rejects(resume('refused'), failsPrecondition(/running/));
  await pause('refused');
  await assert.rejects(pause('refused'), failsPrecondition(/paused/));
  await assert.rejects(daemon().call(TasksService.delete, { containerId: 'refused' }), failsPrecondition(/paused/));
  await removeContainer(daemon(), 'refused');
});

test('a paused container takes SIGKILL at once, and SIGTERM when it is resumed', async () => {
  const script = 'trap "exit 4" TERM; while :; do sleep 0.01; done';
  for (const id of ['killed', 'termed']) {
    await untilItTrapsTerm(await runContainer(daemon(), id, ['/bin/sh', '-c', script]));
  }
  for (const id of ['killed', 'termed']) await pause(id);
  await daemon().call(TasksService.kill, { containerId: 'killed', execId: '', signal: 9, all: false });
  assert.equal(await waitForExit(daemon(), 'killed'), 137);
  await daemon().call(TasksService.kill, { containerId: 'termed', execId: '', signal: 15, all: false });
  assert.equal(await statusOf(daemon(), 'termed'), Status.PAUSED);
  await resume('termed');
  assert.equal(await waitForExit(daemon(), 'termed'), 4);
  for (const id of ['killed', 'termed']) await removeContainer(daemon(), id);
});

test('kill --all reaches every process of a paused container', async () => {
  await runContainer(daemon(), 'all', ['/bin/sh', '-c', 'sleep 1000 & sleep 1000']);
  await pause('all');
  assert.equal((await daemon().ctr(['tasks', 'kill', '--all', '-s', 'SIGKILL', 'all'])).code, 0);
  assert.equal(await waitForExit(daemon(), 'all'), 137);
  await removeContainer(daemon(), 'all');
});

test('a container that forks as fast as it can is paused and resumed again and again', async () => {
  const forks = 'while :; do /bin/true; done';
  await runContainer(daemon(), 'load', ['/bin/sh', '-c', `(${forks}) & (${forks}) & ${forks}`]);
  for (let round = 0; round < 10; round++) {
    await pause('load');
    assert.equal(cgroupFile(daemon(), 'load', 'freezer', 'freezer.state'), 'FROZEN');
    await resume('load');
  }
  await removeContainer(daemon(), 'load');
});

test('execs and pauses at once: every exec either runs or is refused, and none hangs', async () => {
  await runContainer(daemon(), 'race', ['/bin/sleep', '1000']);
  const execs = ['a', 'b', 'c', 'd'].map((name) => exec('race', name).catch((error: unknown) => error));
  await pause('race');
  await Promise.all(
    execs.map(async (settled) => {
      const error = await settled;
      assert.ok(error === undefined || failsPrecondition(/paus/)(error));
    }),
  );
  await resume('race');
  await exec('race', 'after');
  await removeContainer(daemon(), 'race');
});

test('the daemon, killed and started again, finds its container paused, and one that runc paused meanwhile', async () => {
  for (const id of ['ours', 'theirs', 'freed']) await runContainer(daemon(), id, ['/bin/sleep', '1000']);
  await pause('ours');
  await pause('freed');
  await daemon().kill9();
  await runc('pause', 'theirs');
  await runc('resume', 'freed');
  await daemon().start();
  await waitForStatus('theirs', Status.PAUSED);
  await waitForStatus('freed', Status.RUNNING);
  assert.equal(await statusOf(daemon(), 'ours'), Status.PAUSED);
  assert.ok((await topicsOf('theirs')).includes('/tasks/paused'));
  assert.ok((await topicsOf('freed')).includes('/tasks/resumed'));
  await resume('theirs');
  for (const id of ['ours', 'theirs', 'freed']) await removeContainer(daemon(), id);
});

test('a pause made with runc behind our back is noticed by the next pause or resume', async () => {
  await runContainer(daemon(), 'behind', ['/bin/sleep', '1000']);
  await runc('pause', 'behind');
  await assert.rejects(pause('behind'), failsPrecondition(/paused/));
  await waitForStatus('behind', Status.PAUSED);
  await resume('behind');
  assert.equal(cgroupFile(daemon(), 'behind', 'freezer', 'freezer.state'), 'THAWED');
  await removeContainer(daemon(), 'behind');
});

for (const [point, expected] of [
  ['pause-begun', Status.RUNNING],
  ['pause-done', Status.PAUSED],
] as const) {
  test(`a daemon that dies at ${point} finds out afterwards what became of the pause`, async () => {
    const dying = await startBerthd({ env: { BERTH_FAILPOINT: point } });
    try {
      await runContainer(dying, 'cut', ['/bin/sleep', '1000']);
      await assert.rejects(dying.call(TasksService.pause, { containerId: 'cut' }));
      await dying.kill9();
      await dying.start();
      await poll(async () => (await statusOf(dying, 'cut')) === expected || undefined, {
        limitMs: 5_000,
        intervalMs: 10,
        what: `status ${expected}`,
      });
      await removeContainer(dying, 'cut');
    } finally {
      await dying.dispose();
    }
  });
}
