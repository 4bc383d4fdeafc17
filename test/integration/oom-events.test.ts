// Kills for want of memory, as clients see them: `/tasks/oom` before the exit it causes, through `ctr events`, across the
// death of the daemon and of the shim, and in the kept record of the exit.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { parseExitJournal } from '../../src/domain/exit-journal.js';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { Provenance } from '../../src/generated/berth/v1/provenance.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { removeContainer, statusOf, waitForExit } from '../helpers/containers.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();
const limits = { limitMs: 20_000, intervalMs: 10 };

const memoryLimitBytes = 32 * 1024 * 1024;
/** A hog once the test says so, in a file of the root file system. */
const laterHog = 'until [ -e /go ]; do sleep 0.01; done; exec tail /dev/zero';

async function run(id: string, ...command: readonly string[]): Promise<void> {
  const memory = ['--memory-limit', String(memoryLimitBytes)];
  const { code, stderr } = await daemon().ctr(['run', '-d', ...memory, '--rootfs', daemon().rootfs, id, ...command]);
  assert.equal(code, 0, stderr);
}

function letGo(): void {
  writeFileSync(join(daemon().rootfs, 'go'), '');
}

afterEach(() => {
  for (const name of ['go', 'went']) rmSync(join(daemon().rootfs, name), { force: true });
});

/** What the journal tells of the task so far, by topics without their `/tasks/`. */
async function storyOf(id: string): Promise<string[]> {
  const filters = [`topic~=^/tasks/,event.container_id==${id}`];
  const stream = daemon().stream(EventsService.subscribe, { after: 0n, since: undefined, filters, follow: false });
  assert.equal(await stream.ended, undefined);
  return stream.received.map(({ entry }) =>
    entry?.$case === 'event' ? entry.value.topic.slice('/tasks/'.length) : 'gap',
  );
}

async function waitForStory(id: string, last: string): Promise<string[]> {
  return await poll(
    async () => {
      const story = await storyOf(id);
      return story.at(-1) === last ? story : undefined;
    },
    { ...limits, what: `${last} of ${id}` },
  );
}

async function exitOf(containerId: string, execId = '') {
  const { exit } = await daemon().call(ExitsService.get, { containerId, execId });
  return exit ?? assert.fail(`no exit of ${containerId} ${execId}`);
}

function bundleOf(id: string): string {
  return join(daemon().state, 'tasks', daemon().namespace, id);
}

function shimPidOf(id: string): number {
  return Number(readFileSync(join(bundleOf(id), 'shim.pid'), 'utf8'));
}

/** Resolves when the shim has written init's exit down. */
async function waitForJournaledExit(id: string): Promise<void> {
  const journal = join(bundleOf(id), 'exits');
  const isThere = () => parseExitJournal(readFileSync(journal, 'utf8')).length > 0 || undefined;
  await poll(isThere, { ...limits, what: `the exit of ${id} in the shim's journal` });
}

test('ctr events shows the kill of init before its exit', async () => {
  const events = daemon().startCtr(['events']);
  await poll(
    async () => {
      await daemon().ctr(['namespaces', 'create', `${daemon().namespace}-seen`]);
      await daemon().ctr(['namespaces', 'remove', `${daemon().namespace}-seen`]);
      return /\/namespaces\//.test(events.stdout) || undefined;
    },
    { ...limits, what: 'ctr events to see anything' },
  );
  const memory = ['--memory-limit', String(memoryLimitBytes)];
  const args = ['run', '--rm', ...memory, '--rootfs', daemon().rootfs, 'seen', '/bin/tail', '/dev/zero'];
  assert.equal((await daemon().ctr(args)).code, 137);
  await events.waitForOutput(/\/tasks\/delete/);
  events.signal('SIGKILL');
  await events.result();
  const lines = events.stdout.split('\n').filter((line) => line.includes(' /tasks/'));
  const topics = lines.map((line) => / \/tasks\/(\w+) /.exec(line)?.[1]);
  assert.deepEqual(topics, ['create', 'start', 'oom', 'exit', 'delete']);
  assert.deepEqual(JSON.parse(/\{.*\}/.exec(lines[2] ?? '')?.[0] ?? ''), { container_id: 'seen' });
  assert.equal((await exitOf('seen')).oomKilled, true);
});

test('an exec is killed, and init goes on', async () => {
  await run('exec', '/bin/sleep', '600');
  const { code } = await daemon().ctr(['tasks', 'exec', '--exec-id', 'e1', 'exec', '/bin/tail', '/dev/zero']);
  assert.equal(code, 137);
  assert.deepEqual(await storyOf('exec'), ['create', 'start', 'exec-added', 'exec-started', 'oom', 'exit']);
  assert.equal((await exitOf('exec', 'e1')).oomKilled, true);
  assert.equal(await statusOf(daemon(), 'exec'), Status.RUNNING);
  await removeContainer(daemon(), 'exec');
  assert.equal((await exitOf('exec')).oomKilled, false);
});

test('a child of init is killed, and init goes on', async () => {
  await run('child', '/bin/sh', '-c', 'tail /dev/zero; exec sleep 600');
  assert.deepEqual(await waitForStory('child', 'oom'), ['create', 'start', 'oom']);
  assert.equal(await statusOf(daemon(), 'child'), Status.RUNNING);
  await removeContainer(daemon(), 'child');
  assert.equal((await exitOf('child')).oomKilled, false);
});

test('a kill while the daemon is dead is told by the next one, in order and once', async () => {
  await run('away', '/bin/sh', '-c', laterHog);
  await daemon().kill9();
  letGo();
  await waitForJournaledExit('away');
  await daemon().start();
  assert.equal(await waitForExit(daemon(), 'away'), 137);
  assert.deepEqual(await storyOf('away'), ['create', 'start', 'oom', 'exit']);
  const { oomKilled, provenance } = await exitOf('away');
  assert.deepEqual([oomKilled, provenance], [true, Provenance.WAITED]);
  await daemon().restart('SIGKILL');
  assert.deepEqual(await storyOf('away'), ['create', 'start', 'oom', 'exit']);
  await removeContainer(daemon(), 'away');
});

test('a kill that only a dead shim knew of is told from its journal', async () => {
  await run('journal', '/bin/sh', '-c', laterHog);
  await daemon().kill9();
  letGo();
  await waitForJournaledExit('journal');
  process.kill(shimPidOf('journal'), 'SIGKILL');
  await daemon().start();
  assert.equal(await waitForExit(daemon(), 'journal'), 137);
  assert.deepEqual(await storyOf('journal'), ['create', 'start', 'oom', 'exit']);
  const { oomKilled, provenance } = await exitOf('journal');
  assert.deepEqual([oomKilled, provenance], [true, Provenance.JOURNAL]);
  await removeContainer(daemon(), 'journal');
});

test('the shim that takes a container over tells of new kills, and of no old one again', async () => {
  await run('adopted', '/bin/sh', '-c', `tail /dev/zero; ${laterHog}`);
  await waitForStory('adopted', 'oom');
  const dead = shimPidOf('adopted');
  process.kill(dead, 'SIGKILL');
  await poll(() => (shimPidOf('adopted') === dead ? undefined : true), { ...limits, what: 'another shim' });
  await daemon().call(TasksService.listPids, { containerId: 'adopted' });
  // What was told before is not told again.
  assert.deepEqual(await storyOf('adopted'), ['create', 'start', 'oom']);
  letGo();
  assert.equal(await waitForExit(daemon(), 'adopted'), 137);
  assert.deepEqual(await storyOf('adopted'), ['create', 'start', 'oom', 'oom', 'exit']);
  assert.equal((await exitOf('adopted')).oomKilled, true);
  await removeContainer(daemon(), 'adopted');
});

test('a kill while neither daemon nor shim lived is told by the shim that takes over', async () => {
  await run('nobody', '/bin/sh', '-c', 'until [ -e /go ]; do sleep 0.01; done; tail /dev/zero; touch /went; sleep 600');
  await daemon().kill9();
  process.kill(shimPidOf('nobody'), 'SIGKILL');
  letGo();
  const went = join(daemon().rootfs, 'went');
  await poll(() => existsSync(went) || undefined, { ...limits, what: 'the child to be killed' });
  await daemon().start();
  assert.deepEqual(await waitForStory('nobody', 'oom'), ['create', 'start', 'oom']);
  assert.equal(await statusOf(daemon(), 'nobody'), Status.RUNNING);
  await removeContainer(daemon(), 'nobody');
});
