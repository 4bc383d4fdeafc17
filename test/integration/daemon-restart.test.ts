// Containers outlive the daemon: after SIGTERM and after SIGKILL, everything about them goes on working.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { TaskExit } from '../../src/generated/containerd/events/task.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { EventsService } from '../../src/generated/containerd/services/events/v1/events.js';
import { EventsService as JournalService } from '../../src/generated/berth/v1/events.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { isContainerd } from '../helpers/daemon.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

async function get(containerId: string, execId = '') {
  const { process } = await daemon().call(TasksService.get, { containerId, execId });
  return process ?? assert.fail(`no process for ${containerId}`);
}

async function wait(containerId: string, execId = '') {
  return await daemon().call(TasksService.wait, { containerId, execId });
}

async function runDetached(id: string, options: readonly string[], ...command: string[]): Promise<void> {
  const args = ['run', '-d', ...options, '--rootfs', daemon().rootfs, id, ...command];
  const { stderr, code } = await daemon().ctr(args);
  assert.equal(code, 0, stderr);
}

async function remove(id: string): Promise<void> {
  assert.equal((await daemon().ctr(['tasks', 'rm', id])).code, 0);
  assert.equal((await daemon().ctr(['containers', 'rm', id])).code, 0);
}

/** Until the shim has reaped it, too. */
async function waitForEnd(pid: number): Promise<void> {
  await poll(() => !existsSync(`/proc/${pid}`) || undefined, {
    limitMs: 5_000,
    intervalMs: 10,
    what: `the end of ${pid}`,
  });
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a running container is got, executed in, killed, waited for and deleted after ${signal}`, async () => {
    await runDetached('goes-on', [], '/bin/sh', '-c', 'trap "exit 21" TERM; while :; do sleep 0.05; done');
    const before = await get('goes-on');
    await daemon().restart(signal);
    assert.deepEqual(await get('goes-on'), before);
    const exec = await daemon().ctr([
      'tasks',
      'exec',
      '--exec-id',
      'e1',
      'goes-on',
      '/bin/sh',
      '-c',
      'echo in; exit 3',
    ]);
    assert.deepEqual([exec.stdout, exec.code], ['in\n', 3], exec.stderr);
    assert.equal((await daemon().ctr(['tasks', 'kill', '-s', 'SIGTERM', 'goes-on'])).code, 0);
    assert.equal((await wait('goes-on')).exitStatus, 21);
    await remove('goes-on');
  });

  test(`an exit that happens while the daemon is down after ${signal} is told afterwards, status and time`, async () => {
    await runDetached('away', [], '/bin/sh', '-c', 'trap "exit 33" TERM; while :; do sleep 0.05; done');
    const { pid } = await get('away');
    const started = Date.now();
    if (signal === 'SIGKILL') await daemon().kill9();
    else assert.equal(await daemon().stop(), 0);
    process.kill(pid, 'SIGTERM');
    await waitForEnd(pid);
    const ended = Date.now();
    await daemon().start();
    const exit = await wait('away');
    assert.equal(exit.exitStatus, 33);
    const exitedAt = Number(exit.exitedAt?.seconds ?? 0n) * 1000 + (exit.exitedAt?.nanos ?? 0) / 1e6;
    assert.ok(exitedAt >= started - 1 && exitedAt <= ended + 1, `${exitedAt} between ${started} and ${ended}`);
    assert.equal((await get('away')).status, Status.STOPPED);
    await remove('away');
  });
}

test('a client that waits hears of the loss, and a new wait gets the exit', async () => {
  await runDetached('waited', [], '/bin/sh', '-c', 'trap "exit 8" TERM; while :; do sleep 0.05; done');
  const waiting = wait('waited').then(
    () => 'answered',
    () => 'failed',
  );
  await daemon().restart('SIGKILL');
  assert.equal(await waiting, 'failed');
  await daemon().ctr(['tasks', 'kill', 'waited']);
  assert.equal((await wait('waited')).exitStatus, 8);
  await remove('waited');
});

test('a running exec goes on over a restart, and its exit is told', async () => {
  await runDetached('execs', [], '/bin/sleep', '1000');
  await daemon().ctr(['tasks', 'exec', '-d', '--exec-id', 'e1', 'execs', '/bin/sleep', '1000']);
  const before = await get('execs', 'e1');
  await daemon().restart('SIGKILL');
  assert.deepEqual(await get('execs', 'e1'), before);
  await daemon().call(TasksService.kill, { containerId: 'execs', execId: 'e1', signal: 15, all: false });
  assert.equal((await wait('execs', 'e1')).exitStatus, 143);
  await daemon().call(TasksService.deleteProcess, { containerId: 'execs', execId: 'e1' });
  await daemon().ctr(['tasks', 'kill', '-s', 'SIGKILL', 'execs']);
  assert.equal((await wait('execs')).exitStatus, 137);
  await remove('execs');
});

test('a stopped container is still stopped, with its status, after a restart', async () => {
  await runDetached('ended', [], '/bin/sh', '-c', 'exit 19');
  const exit = await wait('ended');
  const before = await get('ended');
  await daemon().restart('SIGKILL');
  assert.deepEqual(await wait('ended'), exit);
  assert.deepEqual(await get('ended'), before);
  await remove('ended');
});

test('a task that is created and not started is started after a restart', async () => {
  await daemon().ctr(['containers', 'create', '--rootfs', daemon().rootfs, 'created', '/bin/false']);
  await daemon().call(TasksService.create, {
    ...{ containerId: 'created', rootfs: [], stdin: '', stdout: '', stderr: '', terminal: false },
    ...{ checkpoint: undefined, options: undefined, runtimePath: '' },
  });
  await daemon().restart('SIGKILL');
  assert.equal((await get('created')).status, Status.CREATED);
  await daemon().call(TasksService.start, { containerId: 'created', execId: '' });
  assert.equal((await wait('created')).exitStatus, 1);
  await remove('created');
});

test('output goes on while the daemon is down', async () => {
  const file = daemon().path('log.txt');
  const script = 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.02; done';
  await runDetached('writes', ['--log-uri', `file://${file}`], '/bin/sh', '-c', script);
  const lines = async () => (await readFile(file, 'utf8').catch(() => '')).split('\n').length;
  const grows = async (by: number) => {
    const from = await lines();
    await poll(async () => (await lines()) >= from + by || undefined, {
      limitMs: 5_000,
      intervalMs: 20,
      what: 'output',
    });
  };
  await grows(3);
  await daemon().kill9();
  await grows(10);
  await daemon().start();
  await grows(3);
  await daemon().ctr(['tasks', 'kill', '-s', 'SIGKILL', 'writes']);
  await wait('writes');
  const written = (await readFile(file, 'utf8')).trim().split('\n');
  assert.deepEqual(
    written,
    written.map((_line, index) => `line ${index}`),
  );
  await remove('writes');
});

test('an exit while the daemon was down is in the journal once', { skip: isContainerd }, async () => {
  await runDetached('once', [], '/bin/sleep', '1000');
  const { pid } = await get('once');
  const { last } = await daemon().call(JournalService.head, {});
  await daemon().kill9();
  process.kill(pid, 'SIGKILL');
  await waitForEnd(pid);
  await daemon().start();
  assert.equal((await wait('once')).exitStatus, 137);
  await daemon().restart('SIGKILL');
  await remove('once');
  const request = { after: last, since: undefined, filters: ['topic~=^/tasks/'], follow: false };
  const stream = daemon().stream(JournalService.subscribe, request);
  assert.equal(await stream.ended, undefined);
  const events = stream.received.flatMap(({ entry }) => (entry?.$case === 'event' ? [entry.value] : []));
  assert.deepEqual(
    events.map(({ topic }) => topic),
    ['/tasks/exit', '/tasks/delete'],
  );
  assert.equal(TaskExit.decode(events[0]?.event?.value ?? new Uint8Array()).exitStatus, 137);
});

/** The ids of the processes whose ends a client is told that now follows the events, and starts and ends another. */
async function followedEnds(): Promise<string[]> {
  const stream = daemon().stream(EventsService.subscribe, { filters: ['topic=="/tasks/exit"'] });
  await runDetached('last', [], '/bin/true');
  await wait('last');
  await remove('last');
  const ids = () => stream.received.map(({ event }) => TaskExit.decode(event?.value ?? new Uint8Array()).id);
  const what = 'the end that comes last';
  await poll(() => ids().includes('last') || undefined, { limitMs: 20_000, intervalMs: 20, what });
  stream.cancel();
  return ids();
}

// With containerd it is who comes before its shims have told it.
const ofBerth = { skip: isContainerd };

test('who follows the events is told of ends while there was no daemon, of what is still there', ofBerth, async () => {
  for (const id of ['missed', 'seen', 'deleted']) await runDetached(id, [], '/bin/sleep', '1000');
  const exec = ['tasks', 'exec', '--detach', '--exec-id', 'e1', 'seen', '/bin/sleep', '1000'];
  assert.equal((await daemon().ctr(exec)).code, 0);
  const pids = [await get('missed'), await get('deleted'), await get('seen', 'e1')].map(({ pid }) => pid);
  await daemon().kill9();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  for (const pid of pids) await waitForEnd(pid);
  await daemon().start();
  await wait('deleted');
  await remove('deleted');
  assert.deepEqual((await followedEnds()).sort(), ['e1', 'last', 'missed']);
  await remove('missed');
  await daemon().ctr(['tasks', 'rm', '--force', 'seen']);
  await daemon().ctr(['containers', 'rm', 'seen']);
});

test('an end that was committed in the moment of SIGKILL is told once more', ofBerth, async () => {
  await daemon().kill9();
  await daemon().start({ BERTH_FAILPOINT: 'exit.committed' });
  await runDetached('moment', [], '/bin/sleep', '1000');
  const { pid } = await get('moment');
  process.kill(pid, 'SIGKILL');
  await daemon().died();
  await daemon().start();
  assert.deepEqual(await followedEnds(), ['moment', 'last']);
  await remove('moment');
});

test('events flow to new subscribers after a restart', async () => {
  await daemon().restart('SIGKILL');
  const stream = daemon().stream(EventsService.subscribe, { filters: ['topic=="/my/topic"'] });
  await poll(
    async () => {
      await daemon().call(EventsService.publish, {
        topic: '/my/topic',
        event: { typeUrl: 'x', value: Buffer.alloc(0) },
      });
      return stream.received.length > 0 || undefined;
    },
    { limitMs: 5_000, intervalMs: 20, what: 'an event' },
  );
  stream.cancel();
});

test('ten containers are all found again', async () => {
  const ids = Array.from({ length: 10 }, (_, index) => `of-ten-${index}`);
  for (const id of ids) await runDetached(id, ['--null-io'], '/bin/sleep', '1000');
  await daemon().restart('SIGKILL');
  const { tasks } = await daemon().call(TasksService.list, { filter: '' });
  const found = new Map(tasks.map((task) => [task.id, task.status]));
  assert.deepEqual(found, new Map(ids.map((id) => [id, Status.RUNNING])));
  for (const id of ids) {
    await daemon().ctr(['tasks', 'kill', '-s', 'SIGKILL', id]);
    await wait(id);
    await remove(id);
  }
});
