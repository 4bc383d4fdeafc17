// Kills for want of memory, as the shim sees them: a notice before the exit, and in the exit's record who was killed.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { parseJournal } from '../../src/domain/exit-journal.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { ShimEvents } from '../helpers/shim-events.js';
import { containerId as id, type SpecOptions, useShim } from '../helpers/use-shim.js';

const shim = useShim();
const SIGKILL = 9;
const limits = { limitMs: 20_000, intervalMs: 5 };

const memoryLimitBytes = 32 * 1024 * 1024;
const hog = ['/bin/tail', '/dev/zero'];
const sleeper = ['/bin/sleep', '600'];

/** Creates and starts the container with a limit on its memory, and follows its events from the start. */
async function runLimited(args: readonly string[], spec: Partial<SpecOptions> = {}): Promise<ShimEvents> {
  shim().writeSpec({ args, ...spec });
  const path = join(shim().bundle, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as { linux: object };
  config.linux = { ...config.linux, resources: { memory: { limit: memoryLimitBytes, swap: memoryLimitBytes } } };
  writeFileSync(path, JSON.stringify(config));
  await shim().task.create(shim().createRequest());
  const events = await ShimEvents.follow(shim());
  await shim().task.start({ id, execId: '' });
  return events;
}

test('a hog in init: the notice comes first, and the exit says why', async () => {
  const events = await runLimited(hog);
  assert.deepEqual(await events.expect(2), ['oom', 'init 137 oom-killed']);
  assert.deepEqual(
    events.events.map(({ sequence }) => sequence),
    [1n, 2n],
  );
  const body = events.events[0]?.body;
  assert.ok(body?.$case === 'oom');
  assert.equal(body.value.containerId, id);
  const [first, second] = events.events.map(({ time }) => (time?.seconds ?? 0n) * 10n ** 9n + BigInt(time?.nanos ?? 0));
  assert.ok((first ?? 0n) > 0n && (second ?? 0n) > 0n);
});

test('a hog in an exec: init goes on, and its later end has another cause', async () => {
  const events = await runLimited(sleeper);
  await shim().exec('e1', hog);
  assert.deepEqual(await events.expect(2), ['oom', 'e1 137 oom-killed']);
  assert.equal(await shim().status(), Status.RUNNING);
  await shim().kill(SIGKILL);
  assert.deepEqual(await events.expect(3), ['oom', 'e1 137 oom-killed', 'init 137']);
});

test('a hog below init: the notice comes while init goes on', async () => {
  const events = await runLimited(['/bin/sh', '-c', '/bin/tail /dev/zero; exec sleep 600']);
  assert.deepEqual(await events.expect(1), ['oom']);
  assert.equal(await shim().status(), Status.RUNNING);
  await shim().kill(SIGKILL);
  assert.deepEqual(await events.expect(2), ['oom', 'init 137']);
});

test('init that ends because its child was killed was not killed itself', async () => {
  const events = await runLimited(['/bin/sh', '-c', '/bin/tail /dev/zero; exit 3']);
  assert.deepEqual(await events.expect(2), ['oom', 'init 3']);
});

test('those who die with init were not the victims', async () => {
  const events = await runLimited(['/bin/sh', '-c', 'until [ -e /tmp/go ]; do sleep 0.01; done; exec tail /dev/zero']);
  for (const execId of ['a', 'b']) await shim().exec(execId, sleeper);
  await shim().exec('c', ['/bin/touch', '/tmp/go']);
  const [first, ...rest] = await events.expect(5);
  assert.equal(first, 'c 0');
  assert.equal(rest[0], 'oom');
  assert.deepEqual([...rest.slice(1, 3)].sort(), ['a 137', 'b 137']);
  assert.equal(rest[3], 'init 137 oom-killed');
});

test('several execs killed one after the other each have their notice and their record', async () => {
  const events = await runLimited(sleeper);
  const expected: string[] = [];
  for (const execId of ['a', 'b', 'c']) {
    await shim().exec(execId, hog);
    expected.push('oom', `${execId} 137 oom-killed`);
    assert.deepEqual(await events.expect(expected.length), expected);
  }
});

test('in the host’s pid namespace the victim alone is told as killed', async () => {
  const events = await runLimited(sleeper, { hostPid: true });
  await shim().exec('e1', sleeper);
  await shim().exec('e2', hog);
  assert.deepEqual(await events.expect(2), ['oom', 'e2 137 oom-killed']);
  await shim().kill(15);
  assert.deepEqual(await events.expect(4), ['oom', 'e2 137 oom-killed', 'e1 137', 'init 143']);
});

test('a process that somebody kills is no victim', async () => {
  const events = await runLimited(sleeper);
  await shim().exec('e1', sleeper);
  await shim().kill(SIGKILL, 'e1');
  await shim().wait('e1');
  await shim().kill(SIGKILL);
  await shim().wait();
  assert.deepEqual(await events.expect(2), ['e1 137', 'init 137']);
});

test('the kill of a container whose children are killed again and again is not taken for one of theirs', async () => {
  const events = await runLimited(['/bin/sh', '-c', 'while :; do tail /dev/zero; done']);
  await events.expect(1);
  await shim().exec('e1', sleeper);
  await shim().kill(SIGKILL);
  await poll(() => (events.story.at(-1)?.startsWith('init') === true ? true : undefined), {
    ...limits,
    what: 'the end of init',
  });
  const exits = events.story.filter((word) => word !== 'oom');
  assert.deepEqual(exits, ['e1 137', 'init 137']);
});

test('notices are in the journal on disk, before the exits they caused', async () => {
  const events = await runLimited(hog);
  await events.expect(2);
  const records = parseJournal(readFileSync(join(shim().bundle, 'exits'), 'utf8'));
  assert.deepEqual(
    records.map((record) => ('exit' in record ? record.exit.oomKilled : 'out of memory')),
    ['out of memory', true],
  );
});
