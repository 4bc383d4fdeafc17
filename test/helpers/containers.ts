// Containers through the API alone, for tests that need more say than `ctr` gives: stdio to a file or a FIFO, the host's
// network, options of the runtime.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../src/base/deadline.js';
import { Options } from '../../src/generated/containerd/runc/v1/oci.js';
import { type Container, ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import type { Any } from '../../src/generated/google/protobuf/any.js';
import type { TestDaemon } from './daemon.js';

const specUrl = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';

/** Prints 0, 1, 2, ... and goes on from where it was when it is restored. */
export const counter = ['/bin/sh', '-c', 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done'];

export interface ContainerOptions {
  readonly rootfs?: string;
  readonly terminal?: boolean;
  readonly runtime?: string;
}

export interface TaskOptions {
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly terminal?: boolean;
  readonly options?: Partial<Options>;
}

/** Shares the host's network. */
export async function createContainer(
  daemon: TestDaemon,
  id: string,
  args: readonly string[],
  options: ContainerOptions = {},
): Promise<void> {
  await daemon.call(ContainersService.create, { container: containerMessage(daemon, id, args, options) });
}

export function containerMessage(
  daemon: TestDaemon,
  id: string,
  args: readonly string[],
  options: ContainerOptions = {},
): Container {
  const value = Buffer.from(JSON.stringify(specOf(daemon, id, args, options)));
  return {
    id,
    labels: {},
    image: '',
    runtime: { name: options.runtime ?? 'io.containerd.runc.v2', options: undefined },
    spec: { typeUrl: specUrl, value },
    snapshotter: '',
    snapshotKey: '',
    createdAt: undefined,
    updatedAt: undefined,
    extensions: {},
    sandbox: '',
  };
}

export async function createTask(daemon: TestDaemon, id: string, task: TaskOptions = {}): Promise<number> {
  const { pid } = await daemon.call(TasksService.create, {
    containerId: id,
    rootfs: [],
    stdin: task.stdin ?? '',
    stdout: task.stdout ?? '',
    stderr: task.stderr ?? '',
    terminal: task.terminal ?? false,
    checkpoint: undefined,
    options: task.options === undefined ? undefined : runtimeOptions(task.options),
    runtimePath: '',
  });
  return pid;
}

export async function startTask(daemon: TestDaemon, id: string): Promise<number> {
  return (await daemon.call(TasksService.start, { containerId: id, execId: '' })).pid;
}

export async function runContainer(
  daemon: TestDaemon,
  id: string,
  args: readonly string[],
  options: ContainerOptions & TaskOptions = {},
): Promise<number> {
  await createContainer(daemon, id, args, options);
  await createTask(daemon, id, options);
  return await startTask(daemon, id);
}

export async function statusOf(daemon: TestDaemon, id: string, execId = ''): Promise<Status> {
  return (await daemon.call(TasksService.get, { containerId: id, execId })).process?.status ?? Status.UNKNOWN;
}

export async function waitForExit(daemon: TestDaemon, id: string): Promise<number> {
  return (await daemon.call(TasksService.wait, { containerId: id, execId: '' })).exitStatus;
}

export async function deleteTask(daemon: TestDaemon, id: string): Promise<void> {
  await daemon.call(TasksService.delete, { containerId: id });
}

/** Kills what runs, and removes task and container. */
export async function removeContainer(daemon: TestDaemon, id: string): Promise<void> {
  await daemon.call(TasksService.kill, { containerId: id, execId: '', signal: 9, all: false }).catch(() => undefined);
  await waitForExit(daemon, id).catch(() => undefined);
  await deleteTask(daemon, id).catch(() => undefined);
  await daemon.call(ContainersService.delete, { id });
}

/** What a counter has printed to `file` so far; every line is one more than the line before, or the test fails. */
export function counted(file: string): number[] {
  const numbers = readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number);
  assert.deepEqual(
    numbers,
    numbers.map((_number, index) => index),
  );
  return numbers;
}

/** Resolves once the counter has come to `least`. */
export async function waitForCount(file: string, least: number): Promise<void> {
  await poll(() => counted(file).length > least || undefined, {
    limitMs: 10_000,
    intervalMs: 10,
    what: `${file} to count to ${least}`,
  });
}

/** The file `file` of the container's cgroup in the hierarchy of `controller`. */
export function cgroupFile(daemon: TestDaemon, id: string, controller: string, file: string): string {
  return readFileSync(join('/sys/fs/cgroup', controller, daemon.namespace, id, file), 'utf8').trim();
}

function runtimeOptions(options: Partial<Options>): Any {
  const value = Buffer.from(Options.encode(Options.fromPartial(options)).finish());
  return { typeUrl: 'containerd.runc.v1.Options', value };
}

function specOf(daemon: TestDaemon, id: string, args: readonly string[], options: ContainerOptions): object {
  return {
    ociVersion: '1.0.2',
    process: { args, cwd: '/', env: ['PATH=/bin'], terminal: options.terminal ?? false, user: { uid: 0, gid: 0 } },
    root: { path: options.rootfs ?? daemon.rootfs, readonly: false },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=8m'] },
    ],
    linux: {
      cgroupsPath: `/${daemon.namespace}/${id}`,
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  };
}
