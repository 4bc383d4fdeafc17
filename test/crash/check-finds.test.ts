// What `berth check` is there for and no ordinary life brings about: each is made by hand, found by name, and mended where
// that can be done.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { type Finding, MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { cgroupDirectories } from '../../src/linux/cgroup-directories.js';
import { Database } from '../../src/store/database.js';
import { openStore, type Store } from '../../src/store/store.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { deleteTask, removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { hasEnded } from '../helpers/host-state.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

const limitMs = 60_000;
const sleeper = ['/bin/sleep', '1000'];
const everything = { events: 1e6, bytes: 1e9, seconds: 1e9 };

async function check(repair = false): Promise<readonly Finding[]> {
  return (await daemon().call(MaintenanceService.check, { repair })).findings;
}

async function found(): Promise<[string, string][]> {
  return (await check()).map(({ invariant, message }) => [invariant, message]);
}

function keyOf(id: string) {
  return { namespace: daemon().namespace, id };
}

/** With the records of a daemon that is stopped meanwhile. */
async function withRecords(work: (store: Store) => Promise<void>): Promise<void> {
  await daemon().stop();
  const store = await openStore({ root: daemon().root, keep: everything });
  try {
    await work(store);
  } finally {
    await store.close();
  }
  await daemon().start();
}

test('a second process that serves a task is found, and killed', async () => {
  await runContainer(daemon(), 'twice', sleeper);
  const cwd = join(daemon().state, 'tasks', daemon().namespace, 'twice');
  const second = spawn('sleep', ['1000'], { cwd, detached: true, stdio: 'ignore' });
  await once(second, 'spawn');
  const shim = readFileSync(join(cwd, 'shim.pid'), 'utf8').trim();
  assert.deepEqual(await found(), [['shims-have-tasks', `it serves ${cwd} beside ${shim}`]]);
  assert.deepEqual(
    (await check(true)).map(({ repaired }) => repaired),
    [true],
  );
  if (second.signalCode === null) await once(second, 'exit');
  assert.equal(second.signalCode, 'SIGKILL');
  await assertCheckClean(daemon());
  assert.ok(!hasEnded(Number(shim)));
  await removeContainer(daemon(), 'twice');
});

test('a cgroup that outlived its task is found in each hierarchy, and removed', async () => {
  await runContainer(daemon(), 'group', sleeper);
  const { container } = await daemon().call(ContainersService.get, { id: 'group' });
  const spec = JSON.parse(Buffer.from(container?.spec?.value ?? []).toString()) as {
    readonly linux: { readonly cgroupsPath: string };
  };
  const groups = cgroupDirectories(spec.linux.cgroupsPath);
  assert.ok(groups.length > 0);
  await daemon().ctr(['tasks', 'kill', '-s', 'SIGKILL', 'group']);
  assert.equal(await waitForExit(daemon(), 'group'), 137);
  await deleteTask(daemon(), 'group');
  for (const group of groups) mkdirSync(group);
  const findings = await check();
  assert.deepEqual([...new Set(findings.map(({ invariant }) => invariant))], ['cgroups-have-tasks']);
  assert.deepEqual(findings.map(({ object }) => object).toSorted(), groups.toSorted());
  await check(true);
  assert.deepEqual(cgroupDirectories(spec.linux.cgroupsPath), []);
  await assertCheckClean(daemon());
  await daemon().call(ContainersService.delete, { id: 'group' });
});

test('a process that has ended and is recorded as running is found, until its end is', async () => {
  const init = await runContainer(daemon(), 'gone', sleeper);
  const shim = Number(readFileSync(join(daemon().state, 'tasks', daemon().namespace, 'gone', 'shim.pid'), 'utf8'));
  process.kill(shim, 'SIGSTOP');
  process.kill(init, 'SIGKILL');
  const isFound = async () => {
    const [first] = await found();
    return first?.[0] === 'processes-are-as-recorded' && first[1].includes('is gone, and is recorded as running')
      ? true
      : undefined;
  };
  await poll(isFound, { limitMs, intervalMs: 20, what: 'what is not as recorded' });
  assert.equal(await waitForExit(daemon(), 'gone'), 137);
  await assertCheckClean(daemon());
  await removeContainer(daemon(), 'gone');
});

test('a task whose container record is lost is found', async () => {
  await runContainer(daemon(), 'bare', sleeper);
  const { container } = await daemon().call(ContainersService.get, { id: 'bare' });
  await withRecords(async (store) => void (await store.commit([store.containers.remove(keyOf('bare'))])));
  assert.deepEqual(await found(), [['tasks-have-containers', 'the task has no container record']]);
  await daemon().call(ContainersService.create, { container });
  await assertCheckClean(daemon());
  await removeContainer(daemon(), 'bare');
});

test('an exit that the records have lost is found, as the number of its event is', async () => {
  const pid = await runContainer(daemon(), 'lost', ['/bin/true']);
  assert.equal(await waitForExit(daemon(), 'lost'), 0);
  await deleteTask(daemon(), 'lost');
  let lost = 0n;
  await withRecords(async (store) => {
    for await (const exit of store.exits.list(`${daemon().namespace}/lost/`))
      await store.commit([store.exits.remove(exit)]);
    const never = new AbortController().signal;
    for await (const item of store.journal.read(store.journal.head().first - 1n, { follow: false, signal: never })) {
      if ('event' in item && item.event.topic === '/tasks/exit') lost = item.event.number;
    }
  });
  assert.ok(lost > 0n);
  await daemon().stop();
  const database = await Database.open(daemon().root);
  const key = lost.toString(16).padStart(16, '0');
  await database.write([{ type: 'del', sublevel: database.keyspace('journal'), key }]);
  await database.close();
  await daemon().start();
  const name = `${daemon().namespace}/lost pid ${pid}`;
  assert.deepEqual(await found(), [
    ['journal-is-whole', `the numbers from ${lost} to ${lost} are missing`],
    ['starts-have-exits', `${name} started, does not run, and has no exit`],
  ]);
  const told = await daemon().berth(['events', '--after', '0', '--no-follow']);
  assert.match(told.stdout, new RegExp(`^${lost}-${lost} gap: these events are no longer kept$`, 'm'));
  await daemon().call(ContainersService.delete, { id: 'lost' });
});
