// A call of the runtime that hangs does not outlive what it was made for, whoever waits for it dies first. What is left
// behind, the check after each test finds.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { createContainer, createTask, runContainer, waitForExit } from '../helpers/containers.js';
import { Faults, faultyDaemon, type RuntimeFault } from '../helpers/faults.js';
import { findCgroups } from '../helpers/host-state.js';
import { runProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd(faultyDaemon);

const SIGKILL = 9;
const forEver = ['/bin/sh', '-c', 'while :; do sleep 1; done'];
const limitMs = 30_000;

test('the start of an exec that hangs ends with the deletion of its container', async () => {
  await runContainer(daemon(), 'exec', forEver);
  const process = { args: ['/bin/true'], cwd: '/', user: { uid: 0, gid: 0 } };
  const spec = {
    typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
    value: Buffer.from(JSON.stringify(process)),
  };
  const names = { containerId: 'exec', execId: 'e1' };
  await daemon().call(TasksService.exec, { ...names, stdin: '', stdout: '', stderr: '', terminal: false, spec });
  const faults = armed('exec');
  const start = daemon()
    .call(TasksService.start, names)
    .catch(() => undefined);
  await met(faults, 'exec');
  await daemon().call(TasksService.kill, { containerId: 'exec', execId: '', signal: SIGKILL, all: false });
  await waitForExit(daemon(), 'exec');
  await remove('exec');
  await start;
});

test('a deletion that hangs ends with its shim, though nothing is left to adopt', async () => {
  await runContainer(daemon(), 'shim', ['/bin/true']);
  await waitForExit(daemon(), 'shim');
  const faults = armed('delete');
  const deletion = daemon()
    .call(TasksService.delete, { containerId: 'shim' })
    .catch(() => undefined);
  await met(faults, 'delete');
  killShim('shim');
  await deletion;
  await remove('shim');
});

test('a deletion that hangs ends with the daemon that made it in the place of a dead shim', async () => {
  const initPid = await runContainer(daemon(), 'daemon', forEver);
  const faults = armed('delete');
  killShim('daemon');
  process.kill(initPid, 'SIGKILL');
  await met(faults, 'delete');
  await daemon().restart('SIGKILL');
  await remove('daemon');
});

test('a creation that is killed before the runtime has written anything down leaves no cgroup', async () => {
  await createContainer(daemon(), 'unmade', forEver);
  const faults = armed('create', 'hang-in-groups');
  const creation = createTask(daemon(), 'unmade').catch(() => undefined);
  await met(faults, 'create');
  const what = 'the groups of a container that is being made';
  await poll(() => findCgroups(daemon()).length > 0 || undefined, { limitMs, intervalMs: 20, what });
  killShim('unmade');
  await creation;
  await remove('unmade');
});

test('a container of the runtime that is no task is deleted at the next start', async () => {
  await makeStray();
  await daemon().restart('SIGKILL');
  await strayIsGone();
});

test('a container of the runtime that is no task is deleted though the runtime fails at first', async () => {
  await makeStray();
  await daemon().kill9();
  const faults = armed('delete', 'fail');
  await daemon().start();
  await met(faults, 'delete');
  await strayIsGone();
});

function armed(verb: string, fault: RuntimeFault = 'hang'): Faults {
  const faults = new Faults(daemon());
  faults.armRuntime(verb, fault);
  return faults;
}

async function met(faults: Faults, verb: string): Promise<void> {
  const probe = () => !faults.isRuntimeArmed(verb) || undefined;
  await poll(probe, { limitMs, intervalMs: 20, what: `a ${verb} that hangs` });
}

function killShim(id: string): void {
  const file = join(daemon().state, 'tasks', daemon().namespace, id, 'shim.pid');
  process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
}

/** A container that has ended, by as many calls as it takes. */
async function remove(id: string): Promise<void> {
  const probe = async (): Promise<true | undefined> => {
    await daemon()
      .call(TasksService.delete, { containerId: id })
      .catch(() => undefined);
    const { tasks } = await daemon().call(TasksService.list, { filter: '' });
    return tasks.length === 0 || undefined;
  };
  await poll(probe, { limitMs, intervalMs: 50, what: `the deletion of ${id}` });
  await daemon().call(ContainersService.delete, { id });
}

function runtimeRoot(): string {
  return join(daemon().state, 'runc', daemon().namespace);
}

/** As a deletion that failed leaves it: the runtime knows the container, and nobody else. */
async function makeStray(): Promise<void> {
  const bundle = daemon().path('stray');
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(bundle);
  await runProgram('runc', ['spec'], { cwd: bundle });
  const configuration = join(bundle, 'config.json');
  const spec = JSON.parse(readFileSync(configuration, 'utf8')) as { process: object; linux: object };
  const process = { ...spec.process, terminal: false };
  const linux = { ...spec.linux, cgroupsPath: `/${daemon().namespace}/stray` };
  writeFileSync(configuration, JSON.stringify({ ...spec, process, linux, root: { path: daemon().rootfs } }));
  const create = 'exec runc --root "$1" create --bundle . stray </dev/null >/dev/null 2>&1';
  assert.equal((await runProgram('sh', ['-c', create, 'sh', runtimeRoot()], { cwd: bundle })).code, 0);
  assert.ok(existsSync(join(runtimeRoot(), 'stray')));
}

async function strayIsGone(): Promise<void> {
  const isGone = () => !existsSync(join(runtimeRoot(), 'stray')) || undefined;
  await poll(isGone, { limitMs, intervalMs: 20, what: 'the deletion of the stray container' });
}
