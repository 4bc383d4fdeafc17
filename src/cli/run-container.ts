// Creates a container and its task and runs it, in the foreground or detached; a failure on the way leaves nothing.
import { UndoStack } from '../base/undo-stack.js';
import { messageOf } from '../domain/errors.js';
import { Container, ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import { CreateTaskRequest, TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Mount } from '../generated/containerd/types/mount.js';
import { jsonAny } from './any-types.js';
import type { Connection } from './connection.js';
import { type ForegroundEnd, runInForeground } from './foreground-process.js';
import { orUndefined } from './records.js';
import { removeContainer } from './remove-container.js';
import type { Session } from './session.js';
import { type OciSpec, specTypeUrl } from './spec/oci.js';
import { CaughtSignals } from './stdio/caught-signals.js';
import { makeFifoSet, removeFifosOf, type StdioPaths, type StdioWishes } from './stdio/fifo-set.js';
import { OutputRelay } from './stdio/output-relay.js';

/** What a container that was made from an image has beside its spec. */
export interface PlannedImage {
  readonly name: string;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly rootfs: Mount[];
  /** Holds the snapshot until the container's record does. */
  readonly lease: string;
}

export interface RunPlan {
  readonly id: string;
  readonly image?: PlannedImage;
  readonly spec: OciSpec;
  readonly labels: Record<string, string>;
  readonly runtime: string;
  readonly remove: boolean;
  readonly detach: boolean;
  /** Where a detached container's output goes instead of FIFOs; empty for FIFOs. */
  readonly logUri: string;
  readonly stdio: StdioWishes;
  readonly detachKeys: Buffer;
}

interface RunContext {
  readonly session: Session;
  readonly connection: Connection;
  readonly plan: RunPlan;
  readonly signals: CaughtSignals;
}

/** The code that `berth` ends with. `onCreated` is called once the container's record is there. */
export async function runContainer(session: Session, plan: RunPlan, onCreated?: () => Promise<void>): Promise<number> {
  const context = { session, connection: await session.connect(), plan, signals: new CaughtSignals() };
  let removes = true;
  await using undo = new UndoStack();
  undo.push(() => context.signals.release());
  await createContainer(context);
  undo.push(async () => {
    if (removes) await removeQuietly(context.connection, plan.id);
  });
  await onCreated?.();
  context.signals.throwIfInterrupted();
  const { code, detached } = plan.detach ? await runDetached(context) : await runAttached(context);
  removes = plan.remove && !detached;
  if (detached && !plan.detach) tellDetached(plan);
  return code;
}

function tellDetached({ id, remove }: RunPlan): void {
  const note = remove ? ', which --rm will not remove now' : '';
  process.stderr.write(`\nberth: detached from container ${id}${note}\n`);
}

async function createContainer({ connection, plan }: RunContext): Promise<void> {
  const { name = '', snapshotter = '', snapshotKey = '', lease = '' } = plan.image ?? {};
  const container = Container.fromPartial({
    id: plan.id,
    image: name,
    snapshotter,
    snapshotKey,
    labels: plan.labels,
    runtime: { name: plan.runtime },
    spec: jsonAny(specTypeUrl, plan.spec),
  });
  await connection.unary(ContainersService.create, { container }, { lease });
}

async function runAttached(context: RunContext): Promise<ForegroundEnd> {
  const { session, connection, plan, signals } = context;
  const removeTask = async () => {
    await orUndefined(async () => await connection.unary(TasksService.delete, { containerId: plan.id }));
  };
  return await runInForeground(connection, {
    containerId: plan.id,
    execId: '',
    address: session.globals.address,
    stdio: plan.stdio,
    signals,
    detachKeys: plan.detachKeys,
    create: async (paths) => await createTask(context, paths),
    ...(plan.remove ? { remove: removeTask } : {}),
  });
}

async function runDetached(context: RunContext): Promise<ForegroundEnd> {
  const { session, connection, plan, signals } = context;
  const paths = await detachedStdio(session, plan);
  await using fifos = new UndoStack();
  fifos.push(async () => await removeFifosOf(paths));
  await createTaskWithReaders(context, paths);
  signals.throwIfInterrupted();
  await connection.unary(TasksService.start, { containerId: plan.id, execId: '' });
  signals.throwIfInterrupted();
  fifos.disarm();
  session.printId(plan.id);
  return { code: 0, detached: true };
}

/** A shim may wait for a reader before it answers. At the start it must find none: what the process wrote would be lost. */
async function createTaskWithReaders(context: RunContext, paths: StdioPaths): Promise<void> {
  await using readers = new UndoStack();
  for (const path of [paths.stdout, paths.stderr]) {
    if (path === '' || context.plan.logUri !== '') continue;
    const reader = new OutputRelay(path);
    readers.push(() => reader.close());
  }
  await createTask(context, paths);
}

async function detachedStdio(session: Session, plan: RunPlan): Promise<StdioPaths> {
  if (plan.logUri === '') return await makeFifoSet(session.globals.address, plan.stdio);
  return { stdin: '', stdout: plan.logUri, stderr: plan.stdio.terminal ? '' : plan.logUri };
}

async function createTask({ connection, plan }: RunContext, paths: StdioPaths): Promise<void> {
  const { terminal } = plan.stdio;
  const rootfs = plan.image?.rootfs ?? [];
  const request = CreateTaskRequest.fromPartial({ containerId: plan.id, ...paths, terminal, rootfs });
  await connection.unary(TasksService.create, request);
}

/** The failure that led here is what the user has to read; this one is told beside it. */
async function removeQuietly(connection: Connection, id: string): Promise<void> {
  try {
    await orUndefined(async () => await removeContainer(connection, id, true));
  } catch (error) {
    process.stderr.write(`berth: container ${id} could not be removed: ${messageOf(error)}\n`);
  }
}
