// Create: mounts the root file system, opens the stdio, lets the runtime make the container; a failure leaves nothing.
import { dirname, join } from 'node:path';
import { failpoint } from '../src/base/failpoint.js';
import type { Log } from '../src/base/log.js';
import { makeDirectory } from '../src/base/make-directory.js';
import { UndoStack } from '../src/base/undo-stack.js';
import { BerthError, messageOf } from '../src/domain/errors.js';
import type { CreateTaskRequest } from '../src/generated/containerd/task/v3/shim.js';
import { containerCgroupOf, enterCgroup } from '../src/linux/cgroup.js';
import { mountOn, unmountBelow } from '../src/linux/mount.js';
import type { ProgramStart } from '../src/linux/spawn.js';
import { Runc } from '../src/runc/runc.js';
import { readRestoreFacts } from './checkpoint-image.js';
import { Container } from './container.js';
import { ContainerProcess } from './container-process.js';
import type { ExitJournal } from './exit-journal.js';
import { protectFromOutOfMemory } from './out-of-memory-score.js';
import type { Reaper } from './reaper.js';
import { runtimeOptions, type RuntimeOptions } from './runtime-options.js';
import { bringUp } from './runtime-process.js';
import { readSpecFacts, type SpecFacts } from './spec.js';
import { openProcessIo } from './stdio/process-io.js';

const rootfsMode = 0o711;

export interface CreateContext {
  readonly namespace: string;
  readonly reaper: Reaper;
  readonly journal: ExitJournal;
  readonly log: Log;
  /** Told before the container's first end can be. */
  readonly onMade: (container: Container) => void;
}

export async function createContainer(context: CreateContext, request: CreateTaskRequest): Promise<Container> {
  const options = runtimeOptions(request.options, context.namespace);
  const facts = readSpecFacts(request.bundle);
  if (options.shimCgroup !== '') joinCgroup(options.shimCgroup);
  const { id, stdin, stdout, stderr, terminal } = request;
  const init = new ContainerProcess({ containerId: id, execId: '' }, { stdin, stdout, stderr, terminal });
  const container = assembleContainer(context, request, { options, init, facts });
  await using undo = new UndoStack();
  failpoint('shim.create-begun');
  mountRootfs(request, undo);
  if (request.checkpoint === '') await make(container, options, context, undo);
  else planToRestore(container, request.checkpoint, options, context);
  undo.disarm();
  failpoint('shim.created');
  if (facts.setsOomScore) protectFromOutOfMemory();
  return container;
}

export interface ContainerFacts {
  readonly options: RuntimeOptions;
  readonly init: ContainerProcess;
  readonly facts: SpecFacts;
}

/** The container as this shim knows it, before anything of it is made. */
export function assembleContainer(
  context: CreateContext,
  { id, bundle }: { readonly id: string; readonly bundle: string },
  { options, init, facts }: ContainerFacts,
): Container {
  const { reaper, journal, log } = context;
  const spawn = (start: ProgramStart) => reaper.spawn(start);
  const runc = new Runc({
    binary: options.binary,
    root: options.root,
    systemdCgroup: options.systemdCgroup,
    directory: bundle,
    spawn,
    ...(options.criuPath === '' ? {} : { criuDirectory: dirname(options.criuPath) }),
  });
  const ioHost = { uid: options.ioUid, gid: options.ioGid, containerId: id, namespace: context.namespace, spawn };
  return new Container({ id, bundle, runc, reaper, journal, log, init, ioHost, ...facts });
}

function mountRootfs(request: CreateTaskRequest, undo: UndoStack): void {
  if (request.rootfs.length === 0) return;
  const rootfs = join(request.bundle, 'rootfs');
  makeDirectory(rootfs, rootfsMode);
  undo.push(() => void unmountBelow(rootfs));
  for (const mount of request.rootfs) {
    try {
      mountOn(mount, rootfs);
    } catch (error) {
      throw new BerthError('unknown', `failed to mount rootfs component: ${messageOf(error)}`, { cause: error });
    }
  }
}

async function make(
  container: Container,
  options: RuntimeOptions,
  context: CreateContext,
  undo: UndoStack,
): Promise<void> {
  const { id, bundle, runc, init, ioHost, log } = container.parts;
  const io = openProcessIo({ stdio: init.stdio, ...ioHost, log });
  undo.push(() => io.close());
  const { noPivotRoot, noNewKeyring } = options;
  const pidFile = 'init.pid';
  const console = io.consoleSocket === undefined ? {} : { consoleSocket: io.consoleSocket };
  undo.push(async () => {
    // The failure that led here is the one to report.
    await runc.delete(id, true).catch((error: unknown) => {
      log.warn('removing a half-made container failed', { error: messageOf(error) });
    });
  });
  await bringUp(container.parts.reaper, {
    process: init,
    io,
    pidFile,
    make: () => runc.create(id, { bundle, pidFile, noPivotRoot, noNewKeyring, ...console }, io.descriptors),
    meanwhile: () => context.journal.open(),
    onBorn: () => {
      container.cgroup = containerCgroupOf(init.pid);
      container.adopt(init);
      context.onMade(container);
      // Once the answer is out: init only waits for its start, and nobody else for this.
      setImmediate(() => container.watchCgroups());
    },
  });
}

/** Start will make the processes; until then the container is created and has no pid. */
function planToRestore(
  container: Container,
  checkpoint: string,
  { noPivotRoot, criuWorkPath }: RuntimeOptions,
  context: CreateContext,
): void {
  const { init, ioHost, log } = container.parts;
  const facts = readRestoreFacts(checkpoint);
  const io = openProcessIo({ stdio: init.stdio, ...ioHost, log });
  container.restore = { ...facts, imagePath: checkpoint, workPath: criuWorkPath, noPivotRoot, io };
  context.onMade(container);
}

function joinCgroup(path: string): void {
  try {
    enterCgroup(path);
  } catch (error) {
    throw new BerthError('invalid-argument', `cannot enter the shim's cgroup ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
