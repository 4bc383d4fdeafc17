// berth.v1.Maintenance: what check finds and mends, what explain tells, and an end that stops the containers first.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { EventsService } from '../../src/generated/berth/v1/events.js';
import { ExitsService } from '../../src/generated/berth/v1/exits.js';
import { MaintenanceService } from '../../src/generated/berth/v1/maintenance.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { makeFifo } from '../../src/linux/fifo.js';
import { deleteTask, removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { runProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { untilItTrapsTerm } from '../helpers/traps.js';

const daemon = useBerthd();

async function check(repair: boolean) {
  return (await daemon().call(MaintenanceService.check, { repair })).findings;
}

/** The invariants that do not hold, and then none once they are mended. */
async function foundAndMended(): Promise<string[]> {
  const found = (await check(false)).map(({ invariant }) => invariant);
  const mended = await check(true);
  assert.ok(
    mended.every(({ repaired }) => repaired),
    JSON.stringify(mended),
  );
  assert.deepEqual(await check(false), []);
  return found;
}

test('a daemon with a running container has nothing to mend', async () => {
  await runContainer(daemon(), 'fine', ['/bin/sleep', '1000']);
  const { findings, lookedAt } = await daemon().call(MaintenanceService.check, { repair: false });
  assert.deepEqual(findings, []);
  assert.ok((lookedAt['tasks-have-shims'] ?? 0n) > 0n);
  await removeContainer(daemon(), 'fine');
});

test('a bundle without a task is found, and mended with the mount in it', async () => {
  const rootfs = join(daemon().state, 'tasks', daemon().namespace, 'left', 'rootfs');
  await mkdir(rootfs, { recursive: true });
  await runProgram('mount', ['-t', 'tmpfs', 'tmpfs', rootfs]);
  const found = await foundAndMended();
  assert.deepEqual(found.toSorted(), ['bundles-have-tasks', 'mounts-have-tasks']);
  assert.equal(existsSync(rootfs), false);
});

test('a socket that nobody listens on and a FIFO that is no stream are found in a bundle, and removed', async () => {
  await runContainer(daemon(), 'littered', ['/bin/sleep', '1000']);
  const bundle = join(daemon().state, 'tasks', daemon().namespace, 'littered');
  const bind = 'socket(S, PF_UNIX, SOCK_STREAM, 0) and bind(S, sockaddr_un($ARGV[0])) or die';
  await runProgram('perl', ['-MSocket', '-e', bind, join(bundle, 'console-1-1.sock')]);
  makeFifo(join(bundle, 'left'), 0o600);
  assert.deepEqual(await foundAndMended(), ['bundle-files-have-processes', 'bundle-files-have-processes']);
  assert.ok(existsSync(join(bundle, 'shim.sock')));
  await removeContainer(daemon(), 'littered');
});

test('a container that only the runtime knows is found and deleted', async () => {
  const root = join(daemon().state, 'runc', daemon().namespace);
  const bundle = daemon().path('stray');
  await mkdir(root, { recursive: true });
  await mkdir(bundle);
  const spec = {
    ociVersion: '1.0.2',
    process: { args: ['/bin/sleep', '1000'], cwd: '/', user: { uid: 0, gid: 0 } },
    root: { path: daemon().rootfs },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }], cgroupsPath: `/${daemon().namespace}/stray` },
  };
  await writeFile(join(bundle, 'config.json'), JSON.stringify(spec));
  const created = await runProgram('sh', [
    '-c',
    `runc --root ${root} create --bundle ${bundle} stray </dev/null >/dev/null 2>&1`,
  ]);
  assert.equal(created.code, 0, created.stderr);
  assert.deepEqual(await foundAndMended(), ['runtime-state-has-tasks']);
});

test('a container’s story is told from its creation to after its end', async () => {
  await runContainer(daemon(), 'story', ['/bin/sh', '-c', 'exit 9']);
  assert.equal(await waitForExit(daemon(), 'story'), 9);
  const running = await daemon().call(MaintenanceService.explain, { containerId: 'story' });
  assert.ok(running.facts.some(({ name, value }) => name === 'init' && value.includes('ended with status 9')));
  assert.ok(running.facts.some(({ name, value }) => name === 'runtime' && /^runc says stopped, pid \d+$/.test(value)));
  const sources = new Set(running.entries.map(({ source }) => source));
  assert.deepEqual([...sources].toSorted(), ['exit-journal', 'journal', 'record', 'runtime', 'shim-log']);
  await deleteTask(daemon(), 'story');
  await removeContainer(daemon(), 'story');
  const { entries } = await daemon().call(MaintenanceService.explain, { containerId: 'story' });
  const story = entries.map(({ text }) => text).join('\n');
  for (const part of ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete', 'learnt by: waited']) {
    assert.ok(story.includes(part), `${part} in:\n${story}`);
  }
});

test('nothing is told of a container that nobody knows', async () => {
  const asking = daemon().call(MaintenanceService.explain, { containerId: 'nobody' });
  await assert.rejects(asking, (error: { code?: status }) => error.code === status.NOT_FOUND);
});

test('an exit is kept after its task and container are gone, the newest of a name first', async () => {
  for (const code of [3, 4]) {
    await runContainer(daemon(), 'kept', ['/bin/sh', '-c', `exit ${code}`]);
    assert.equal(await waitForExit(daemon(), 'kept'), code);
    await removeContainer(daemon(), 'kept');
  }
  const { exit } = await daemon().call(ExitsService.get, { containerId: 'kept', execId: '' });
  assert.equal(exit?.exitStatus, 4);
  const { exits } = await daemon().call(ExitsService.list, { filters: ['container_id==kept'] });
  assert.deepEqual(
    exits.map(({ exitStatus }) => exitStatus),
    [3, 4],
  );
});

test('a shutdown that stops the containers ends them, streams end with UNAVAILABLE, and the next daemon knows', async () => {
  const script = 'trap "exit 6" TERM; while :; do sleep 0.05; done';
  await untilItTrapsTerm(await runContainer(daemon(), 'ends', ['/bin/sh', '-c', script]));
  const request = { after: 0n, since: undefined, filters: [], follow: true };
  const stream = daemon().stream(EventsService.subscribe, request);
  const timeout = { seconds: 10n, nanos: 0 };
  const answer = await daemon().call(MaintenanceService.shutdown, { stopContainers: true, timeout });
  assert.equal(answer.stoppedContainers, 1);
  assert.equal((await stream.ended)?.code, status.UNAVAILABLE);
  await daemon().ended();
  await daemon().start();
  const { exitStatus } = await daemon().call(TasksService.wait, { containerId: 'ends', execId: '' });
  assert.equal(exitStatus, 6);
  await removeContainer(daemon(), 'ends');
});
