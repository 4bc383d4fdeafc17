// The built shim with real runc: one container from create to delete, execs, signals, refusals.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { TaskDefinition } from '../../src/generated/containerd/task/v3/shim.js';
import { Options, ProcessDetails } from '../../src/generated/containerd/runc/v1/oci.js';
import { findCgroups, findMounts, hasEnded } from '../helpers/host-state.js';
import { containerId as id, useShim } from '../helpers/use-shim.js';
import { untilItTrapsTerm } from '../helpers/traps.js';

const shim = useShim();
const SIGKILL = 9;
const SIGTERM = 15;

const sleep = ['/bin/sleep', '600'];

/** What the shim's process has open, but for its connections and Node's own. */
function openFiles(): string[] {
  const links = readdirSync(`/proc/${shim().pid}/fd`).map((fd) => readlinkSync(`/proc/${shim().pid}/fd/${fd}`));
  return links.filter((link) => !/^(socket|anon_inode):/.test(link)).sort();
}

test('a container is created, runs, exits with its code and is deleted', async () => {
  shim().writeSpec({ args: ['/bin/sh', '-c', 'exit 7'] });
  const { pid } = await shim().task.create(shim().createRequest());
  const created = await shim().task.state({ id, execId: '' });
  assert.deepEqual([created.status, created.pid, created.exitStatus], [Status.CREATED, pid, 0]);
  const wait = shim().wait();
  assert.deepEqual(await shim().task.start({ id, execId: '' }), { pid });
  const { exitStatus, exitedAt } = await wait;
  assert.equal(exitStatus, 7);
  const stopped = await shim().task.state({ id, execId: '' });
  assert.deepEqual([stopped.status, stopped.pid, stopped.exitStatus], [Status.STOPPED, pid, 7]);
  assert.deepEqual(stopped.exitedAt, exitedAt);
  assert.deepEqual(await shim().delete(), { pid, exitStatus: 7, exitedAt });
  await assert.rejects(shim().wait(), { kind: 'not-found' });
  await assert.rejects(shim().delete(), { kind: 'not-found' });
  assert.deepEqual(readdirSync(join(shim().bundle)).sort(), ['config.json', 'exits', 'log', 'shim.pid', 'shim.sock']);
});

test('version 2 of the task API answers too, and connect names shim and task', async () => {
  const connection = await shim().connect();
  const v2 = connection.client({ ...TaskDefinition, fullName: 'containerd.task.v2.Task' });
  assert.deepEqual(await v2.connect({ id }), { shimPid: shim().pid, taskPid: 0, version: '0.1.0' });
  const pid = await shim().run(sleep);
  assert.equal((await v2.connect({ id })).taskPid, pid);
  const told = await shim().shim.connect({});
  assert.equal(told.shimId, shim().shimId);
  assert.equal(told.initPid, pid);
  assert.deepEqual(
    told.processes.map((process) => [process.execId, process.pid, process.status]),
    [['', pid, Status.RUNNING]],
  );
});

test('what comes too early, too late or twice is refused', async () => {
  await assert.rejects(shim().task.start({ id, execId: '' }), { kind: 'not-found' });
  await shim().run(sleep);
  await assert.rejects(shim().task.create(shim().createRequest()), { kind: 'already-exists' });
  await assert.rejects(shim().task.start({ id, execId: '' }), { kind: 'failed-precondition' });
  await assert.rejects(shim().delete(), { kind: 'failed-precondition' });
  await assert.rejects(shim().wait('nosuch'), { kind: 'not-found' });
  await assert.rejects(shim().task.state({ id: 'other', execId: '' }), { kind: 'not-found' });
  await assert.rejects(shim().task.create(shim().createRequest({ id: 'other' })), { kind: 'invalid-argument' });
  await shim().kill(SIGKILL);
  await shim().wait();
  await assert.rejects(shim().kill(SIGKILL), { kind: 'not-found', message: /process already finished/ });
  await assert.rejects(shim().task.start({ id, execId: '' }), { kind: 'failed-precondition' });
  await assert.rejects(shim().addExec('late', ['/bin/true']), { kind: 'failed-precondition' });
});

test('a signal ends the container with 128 and its number', async () => {
  await untilItTrapsTerm(await shim().run(['/bin/sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.05; done']));
  for (const all of [false, true]) {
    await assert.rejects(shim().kill(1000, '', all), { kind: 'invalid-argument', message: /unknown signal 1000/ });
  }
  await shim().kill(SIGTERM);
  assert.equal((await shim().wait()).exitStatus, 5);
  await shim().delete();
  await shim().run(sleep);
  await shim().kill(SIGKILL);
  assert.equal((await shim().wait()).exitStatus, 137);
});

test('a command that does not exist fails the create with runc’s own message, and leaves nothing', async () => {
  const before = openFiles();
  shim().writeSpec({ args: ['nosuch'] });
  const fields = { stdout: shim().fifo('out'), stdin: shim().fifo('in') };
  await assert.rejects(shim().task.create(shim().createRequest(fields)), {
    kind: 'unknown',
    message:
      'OCI runtime create failed: runc create failed: unable to start container process: ' +
      'exec: "nosuch": executable file not found in $PATH',
  });
  assert.deepEqual(readdirSync(shim().runcRoot + `/${shim().scope.namespace}`), []);
  assert.deepEqual(findCgroups(shim().scope), []);
  // The exit journal is the shim's for good.
  assert.deepEqual(openFiles(), [...before, join(shim().bundle, 'exits')].sort());
  assert.deepEqual(readdirSync(shim().bundle).sort(), ['config.json', 'exits', 'log', 'shim.pid', 'shim.sock']);
  // The shim is as good as new.
  await shim().run(['/bin/true']);
  assert.equal((await shim().wait()).exitStatus, 0);
});

test('a rootfs is mounted for the create, and unmounted by a failed one and by delete', async () => {
  const upper = join(shim().scope.directory, 'upper');
  const work = join(shim().scope.directory, 'work');
  for (const path of [upper, work]) mkdirSync(path);
  const options = [`lowerdir=${shim().rootfs}`, `upperdir=${upper}`, `workdir=${work}`];
  const rootfs = [{ type: 'overlay', source: 'overlay', target: '', options }];
  const root = join(shim().bundle, 'rootfs');
  shim().writeSpec({ args: ['nosuch'], root });
  await assert.rejects(shim().task.create(shim().createRequest({ rootfs })), /executable file not found/);
  assert.deepEqual(findMounts(shim().scope), []);
  await shim().run(['/bin/sh', '-c', 'test -x /bin/sh'], { rootfs }, { root });
  assert.deepEqual(findMounts(shim().scope), [root]);
  assert.equal((await shim().wait()).exitStatus, 0);
  await shim().delete();
  assert.deepEqual(findMounts(shim().scope), []);
  const bad = [{ type: 'overlay', source: 'overlay', target: '', options: ['lowerdir=/nonexistent'] }];
  await assert.rejects(shim().task.create(shim().createRequest({ rootfs: bad })), /failed to mount rootfs component/);
});

test('bad options, specs and bundles are refused by name', async () => {
  const create = (fields: object): Promise<unknown> => shim().task.create(shim().createRequest(fields));
  await assert.rejects(create({}), { kind: 'invalid-argument', message: /config\.json/ });
  writeFileSync(join(shim().bundle, 'config.json'), 'not json');
  await assert.rejects(create({}), { kind: 'invalid-argument', message: /config\.json/ });
  shim().writeSpec({ args: sleep });
  await assert.rejects(create({ bundle: '/tmp' }), { kind: 'invalid-argument', message: /bundle/ });
  const any = { typeUrl: 'some.Other', value: Buffer.alloc(0) };
  await assert.rejects(create({ options: any }), { kind: 'invalid-argument', message: /some\.Other/ });
  const option = (fields: Partial<Options>): object => {
    const options = { ...Options.decode(new Uint8Array()), root: shim().runcRoot, ...fields };
    const typeUrl = 'containerd.runc.v1.Options';
    return { options: { typeUrl, value: Buffer.from(Options.encode(options).finish()) } };
  };
  const api = option({ taskApiAddress: '/x' });
  await assert.rejects(create(api), { kind: 'invalid-argument', message: /task_api_address/ });
  await assert.rejects(create(option({ shimCgroup: '/no/such' })), { kind: 'invalid-argument', message: /no\/such/ });
  await assert.rejects(create(option({ binaryName: 'no-runtime' })), /exec: "no-runtime": executable file not found/);
  writeFileSync(join(shim().bundle, 'config.json'), '{"ociVersion":"1.0.2"}');
  await assert.rejects(create({}), { kind: 'unknown', message: /OCI runtime create failed/ });
});

test('an exec has its own code, state and deletion', async () => {
  await shim().run(sleep);
  await shim().addExec('e1', ['/bin/sh', '-c', 'exit 3']);
  await assert.rejects(shim().addExec('e1', ['/bin/true']), { kind: 'already-exists' });
  await assert.rejects(shim().addExec('../e', ['/bin/true']), { kind: 'invalid-argument' });
  assert.equal(await shim().status('e1'), Status.CREATED);
  await assert.rejects(shim().kill(SIGKILL, 'e1'), { kind: 'failed-precondition', message: /process not created/ });
  const { pid } = await shim().task.start({ id, execId: 'e1' });
  assert.equal((await shim().wait('e1')).exitStatus, 3);
  await assert.rejects(shim().task.start({ id, execId: 'e1' }), { kind: 'failed-precondition' });
  assert.equal((await shim().delete('e1')).pid, pid);
  await assert.rejects(shim().status('e1'), { kind: 'not-found' });
  await shim().addExec('e1', ['/bin/true']);
  await shim().delete('e1');
});

test('pids lists every process, execs by their ids; killing one exec leaves the rest', async () => {
  const init = await shim().run(['/bin/sh', '-c', 'sleep 600 & wait']);
  const exec = await shim().exec('e1', sleep);
  await assert.rejects(shim().delete('e1'), { kind: 'failed-precondition' });
  const { processes } = await poll(
    async () => {
      const response = await shim().task.pids({ id });
      return response.processes.length === 3 ? response : undefined;
    },
    { limitMs: 5000, intervalMs: 10, what: 'three processes' },
  );
  assert.ok(processes.some((process) => process.pid === init && process.info === undefined));
  const info = processes.find((process) => process.pid === exec)?.info;
  assert.equal(info?.typeUrl, 'containerd.runc.v1.ProcessDetails');
  assert.equal(ProcessDetails.decode(info.value).execId, 'e1');
  await shim().kill(SIGTERM, 'e1');
  assert.equal((await shim().wait('e1')).exitStatus, 143);
  assert.equal(await shim().status(), Status.RUNNING);
  await assert.rejects(shim().kill(SIGTERM, 'e1'), { kind: 'not-found' });
});

test('an exec of a missing command fails with runc’s message and leaves no file', async () => {
  await shim().run(sleep);
  await shim().addExec('e1', ['nosuch']);
  await assert.rejects(shim().task.start({ id, execId: 'e1' }), {
    kind: 'unknown',
    message:
      'OCI runtime exec failed: exec failed: unable to start container process: ' +
      'exec: "nosuch": executable file not found in $PATH',
  });
  await shim().wait('e1');
  await shim().delete('e1');
  assert.deepEqual(
    readdirSync(shim().bundle).filter((name) => name.startsWith('exec-')),
    [],
  );
  assert.equal(await shim().status(), Status.RUNNING);
});

test('a created container that is deleted dies first, and that is told', async () => {
  shim().writeSpec({ args: sleep });
  const { pid } = await shim().task.create(shim().createRequest());
  const deleted = await shim().delete();
  assert.deepEqual([deleted.pid, deleted.exitStatus], [pid, 137]);
  assert.match(readFileSync(join(shim().bundle, 'exits'), 'utf8'), /"status":137/);
});

test('SIGTERM, SIGINT, SIGHUP and SIGUSR1 do not end a shim whose container lives; without one it ends', async () => {
  const pid = await shim().run(sleep);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE', 'SIGUSR1'] as const) process.kill(shim().pid, signal);
  await poll(() => (shim().log().split('signal ignored').length === 4 ? true : undefined), {
    limitMs: 5000,
    intervalMs: 10,
    what: 'three ignored signals in the log',
  });
  assert.equal(await shim().status(), Status.RUNNING);
  assert.ok(!hasEnded(pid));
  await shim().task.shutdown({ id, now: false });
  assert.equal(await shim().status(), Status.RUNNING);
  await shim().kill(SIGKILL);
  await shim().wait();
  await shim().delete();
  process.kill(shim().pid, 'SIGTERM');
  assert.equal(await shim().ended(), 0);
  assert.ok(!existsSync(join(shim().bundle, 'shim.sock')));
});

test('shutdown ends a shim without a container, after it has answered', async () => {
  await shim().task.shutdown({ id, now: false });
  assert.equal(await shim().ended(), 0);
});
