// Adopt: the container of a shim that has died becomes this one's, with its processes, their ends and their stdio as far
// as that can be had.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint } from '../src/base/failpoint.js';
import type { Log } from '../src/base/log.js';
import { BerthError } from '../src/domain/errors.js';
import type { AdoptedProcess as Adopted, AdoptRequest } from '../src/generated/berth/shim/v1/shim.js';
import { Status } from '../src/generated/containerd/v1/types/task.js';
import { cgroupPids, containerCgroupOf } from '../src/linux/cgroup.js';
import { tellAdoptedEnds } from './adopted-ends.js';
import { AdoptedProcess, pidfdOf } from './adopted-process.js';
import { Container } from './container.js';
import { assembleContainer, type CreateContext } from './create-container.js';
import { runtimeOptions } from './runtime-options.js';
import { readSpecFacts } from './spec.js';
import { AdoptedIo } from './stdio/adopted-io.js';
import { loadPipeInodes } from './stdio/pipe-inodes.js';
import { nanosFromTimestamp } from './wire.js';

export interface AdoptContext extends CreateContext {
  readonly id: string;
  readonly bundle: string;
}

export async function adoptContainer(context: AdoptContext, request: AdoptRequest): Promise<Container> {
  const [first, ...others] = request.processes;
  if (first === undefined || first.execId !== '') {
    throw new BerthError('invalid-argument', 'the first process to adopt is not an init');
  }
  const { id, bundle, namespace } = context;
  const init = adoptedProcess(id, first);
  if (init === undefined) throw new BerthError('failed-precondition', `process ${first.pid} is gone: nothing to adopt`);
  const facts = readSpecFacts(bundle);
  const options = runtimeOptions(request.options, namespace);
  if (init.state === 'created' && hasStarted(options.root, id)) init.step('start');
  const container = assembleContainer(context, { id, bundle }, { options, init, facts });
  container.cgroup = containerCgroupOf(init.pid);
  // An exec that has ended meanwhile is left out of the answer: berthd finds out how it ended.
  const execs = others.map((other) => adoptedProcess(id, other)).filter((exec) => exec !== undefined);
  const processes = [init, ...execs];
  failpoint('shim.adopt-begun');
  for (const process of processes) {
    if (process !== init) container.execs.set(process.names.execId, process);
    if (process.state !== 'stopped') await takeOver(container, process, context.log);
  }
  context.onMade(container);
  failpoint('shim.adopted');
  void tellAdoptedEnds(processes, (ended) => container.onEnded(ended));
  return container;
}

/** Undefined when it is gone. */
function adoptedProcess(containerId: string, wire: Adopted): AdoptedProcess | undefined {
  const { execId, pid, status, startTime, stdin, stdout, stderr, terminal } = wire;
  const stopped = status === Status.STOPPED;
  const pidfd = stopped ? undefined : pidfdOf(pid, startTime);
  if (!stopped && pidfd === undefined) return undefined;
  const process = new AdoptedProcess({ containerId, execId }, { stdin, stdout, stderr, terminal }, pidfd);
  process.pid = pid;
  for (const event of stepsTo(status)) process.step(event);
  if (stopped) process.markEnded(exitOf(wire));
  return process;
}

function stepsTo(status: Status) {
  switch (status) {
    case Status.RUNNING:
      return ['start'] as const;
    case Status.PAUSED:
    case Status.PAUSING:
      return ['start', 'pause', 'paused'] as const;
    default:
      return [];
  }
}

/** A created init waits for a reader of this FIFO, which runc and crun alike remove when they start it. */
function hasStarted(runtimeRoot: string, id: string): boolean {
  return !existsSync(join(runtimeRoot, id, 'exec.fifo'));
}

/** Reported before: it is kept here only to be deleted. */
function exitOf({ pid, exitStatus, exitedAt }: Adopted) {
  const at = nanosFromTimestamp(exitedAt);
  return { pid, status: exitStatus, signal: 0, exitedAt: at, provenance: 'journal', oomKilled: false } as const;
}

async function takeOver(container: Container, process: AdoptedProcess, log: Log): Promise<void> {
  const pids = container.cgroup === undefined ? [process.pid] : [process.pid, ...cgroupPids(container.cgroup)];
  const inodes = loadPipeInodes(process.names);
  const io = new AdoptedIo({ ...container.parts.ioHost, stdio: process.stdio, inodes, pids, log });
  await io.prepare();
  await process.attach(process.pid, io);
  container.adopt(process);
  if (process === container.init) container.watchCgroups();
}
