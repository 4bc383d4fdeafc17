// containerd's task API over ttrpc: decodes, calls, encodes. Versions 2 and 3 are the same API under two names.
import { BerthError } from '../src/domain/errors.js';
import { ProcessDetails } from '../src/generated/containerd/runc/v1/oci.js';
import { TaskDefinition, type StateResponse } from '../src/generated/containerd/task/v3/shim.js';
import type { ProcessInfo } from '../src/generated/containerd/v1/types/task.js';
import type { Implementation } from '../src/ttrpc/definition.js';
import { implement, type Service } from '../src/ttrpc/service.js';
import { checkpointContainer } from './checkpoint-container.js';
import type { Container } from './container.js';
import type { ContainerProcess } from './container-process.js';
import { readMetrics } from './metrics/read-metrics.js';
import { noticeFreezer, pauseContainer, resumeContainer, thawForKill } from './pause-container.js';
import type { Task } from './task.js';
import { updateContainer } from './update-container.js';
import { statusToWire, timestampFromNanos } from './wire.js';
import { withAbort } from './with-abort.js';

/** The same messages, so the same code reads them; loading version 2's own copy would only cost memory. */
const TaskV2Definition = { ...TaskDefinition, fullName: 'containerd.task.v2.Task' };

const SIGKILL = 9;
const maxSignal = 64;

export type TaskMethods = Implementation<typeof TaskDefinition>;

export interface TaskServiceOptions {
  readonly version: string;
  /** Ends the shim once the answer is out. */
  readonly onShutdown: () => void;
  /** Stands in front of the methods where somebody else than berthd has started the shim. */
  readonly extend?: ((methods: TaskMethods) => TaskMethods) | undefined;
}

export function taskServices(task: Task, options: TaskServiceOptions): Service[] {
  const methods: TaskMethods = {
    ...lifecycleMethods(task),
    ...processMethods(task),
    ...shimMethods(task, options),
    ...containerMethods(task),
    ...statsMethods(task),
  };
  const served = options.extend?.(methods) ?? methods;
  return [implement(TaskDefinition, served), implement(TaskV2Definition, served)];
}

function lifecycleMethods(task: Task): Pick<TaskMethods, 'create' | 'start' | 'delete' | 'exec' | 'wait' | 'state'> {
  return {
    create: async (request) => ({ pid: (await task.create(request)).init.pid }),
    start: async ({ id, execId }) => ({ pid: (await task.start(id, execId)).pid }),
    delete: async ({ id, execId }) => {
      const process = await task.delete(id, execId);
      return { pid: process.pid, ...exitFields(process) };
    },
    exec: async (request) => {
      task.addExec(request);
      return {};
    },
    wait: async ({ id, execId }, { signal }) => {
      const process = task.container(id).process(execId);
      await withAbort(process.ended, signal, `waiting for ${process.label}`);
      return exitFields(process);
    },
    state: async ({ id, execId }) => stateOf(task.container(id), execId),
  };
}

function processMethods(task: Task): Pick<TaskMethods, 'kill' | 'pids' | 'resizePty' | 'closeIO'> {
  return {
    kill: async ({ id, execId, signal, all }) => {
      const container = task.container(id);
      container.parts.reaper.sweep();
      const process = container.process(execId);
      if (signal > maxSignal) throw new BerthError('invalid-argument', `unknown signal ${signal}`);
      if (!all || execId !== '') container.signal(process, signal);
      else await container.signalAll(signal);
      if (signal === SIGKILL && execId === '') thawForKill(container);
      return {};
    },
    pids: async ({ id }) => ({ processes: processInfos(task.container(id)) }),
    resizePty: async ({ id, execId, width, height }) => {
      task.container(id).process(execId).resize({ columns: width, rows: height });
      return {};
    },
    closeIO: async ({ id, execId, stdin }) => {
      const process = task.container(id).process(execId);
      if (stdin) process.closeStdin();
      return {};
    },
  };
}

function shimMethods(task: Task, options: TaskServiceOptions): Pick<TaskMethods, 'connect' | 'shutdown'> {
  return {
    connect: async () => ({
      shimPid: process.pid,
      taskPid: task.current?.init.pid ?? 0,
      version: options.version,
    }),
    shutdown: async ({ now }) => {
      if (now || !task.busy) options.onShutdown();
      return {};
    },
  };
}

function containerMethods(task: Task): Pick<TaskMethods, 'pause' | 'resume' | 'update' | 'checkpoint'> {
  const change =
    <R extends { readonly id: string }>(work: (container: Container, request: R) => Promise<void>) =>
    async (request: R) => {
      await task.change(request.id, (container) => work(container, request));
      return {};
    };
  return {
    pause: change(pauseContainer),
    resume: change(resumeContainer),
    update: change(updateContainer),
    checkpoint: change(checkpointContainer),
  };
}

function statsMethods(task: Task): Pick<TaskMethods, 'stats'> {
  return {
    stats: async ({ id }) => {
      const { cgroups, outOfMemory, init } = task.container(id);
      outOfMemory?.look();
      return { stats: await readMetrics({ containerId: id, cgroups, initPid: init.pid }) };
    },
  };
}

function exitFields(process: ContainerProcess): Pick<StateResponse, 'exitStatus' | 'exitedAt'> {
  const { exit } = process;
  if (exit === undefined) return { exitStatus: 0, exitedAt: undefined };
  return { exitStatus: exit.status, exitedAt: timestampFromNanos(exit.exitedAt) };
}

function stateOf(container: Container, execId: string): StateResponse {
  const process = container.process(execId);
  noticeFreezer(container);
  const { init } = container;
  const isFrozen = init.state === 'paused' || init.state === 'pausing';
  const status = statusToWire[isFrozen && process.state !== 'stopped' ? init.state : process.state];
  const { stdio, pid } = process;
  return { id: container.id, bundle: container.parts.bundle, pid, status, ...stdio, ...exitFields(process), execId };
}

function processInfos(container: Container): ProcessInfo[] {
  return container.pids().map((pid) => {
    const exec = [...container.execs.values()].find((candidate) => candidate.pid === pid);
    if (exec === undefined) return { pid, info: undefined };
    const details = ProcessDetails.encode({ execId: exec.names.execId }).finish();
    return { pid, info: { typeUrl: 'containerd.runc.v1.ProcessDetails', value: Buffer.from(details) } };
  });
}
