// Makes a container's task and runs it, in the foreground or detached.
import { UndoStack } from '../base/undo-stack.js';
import { CreateTaskRequest, TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Mount } from '../generated/containerd/types/mount.js';
import type { Connection } from './connection.js';
import { type ForegroundEnd, runInForeground } from './foreground-process.js';
import { orUndefined } from './records.js';
import type { Session } from './session.js';
import type { CaughtSignals } from './stdio/caught-signals.js';
import { makeFifoSet, removeFifosOf, type StdioPaths, type StdioWishes } from './stdio/fifo-set.js';
import { OutputRelay } from './stdio/output-relay.js';

/** How a task is run. */
export interface RunWishes {
  /** In the foreground: the task is deleted at its end. */
  readonly remove: boolean;
  readonly detach: boolean;
  /** Where a detached container's output goes instead of FIFOs; empty for FIFOs. */
  readonly logUri: string;
  readonly stdio: StdioWishes;
  readonly detachKeys: Buffer;
}

export interface TaskPlan extends RunWishes {
  readonly id: string;
  readonly rootfs: Mount[];
}

interface TaskContext {
  readonly session: Session;
  readonly connection: Connection;
  readonly plan: TaskPlan;
  readonly signals: CaughtSignals;
}

/** A failure may leave the task behind, since whoever calls this may have more to take away with it. */
export async function runTask(
  session: Session,
  connection: Connection,
  plan: TaskPlan,
  signals: CaughtSignals,
): Promise<ForegroundEnd> {
  const context = { session, connection, plan, signals };
  return plan.detach ? await runDetached(context) : await runAttached(context);
}

async function runAttached(context: TaskContext): Promise<ForegroundEnd> {
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

async function runDetached(context: TaskContext): Promise<ForegroundEnd> {
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
async function createTaskWithReaders(context: TaskContext, paths: StdioPaths): Promise<void> {
  await using readers = new UndoStack();
  for (const path of [paths.stdout, paths.stderr]) {
    if (path === '' || context.plan.logUri !== '') continue;
    const reader = new OutputRelay(path);
    readers.push(() => reader.close());
  }
  await createTask(context, paths);
}

async function detachedStdio(session: Session, plan: TaskPlan): Promise<StdioPaths> {
  if (plan.logUri === '') return await makeFifoSet(session.globals.address, plan.stdio);
  return { stdin: '', stdout: plan.logUri, stderr: plan.stdio.terminal ? '' : plan.logUri };
}

async function createTask({ connection, plan }: TaskContext, paths: StdioPaths): Promise<void> {
  const { terminal } = plan.stdio;
  const { id: containerId, rootfs } = plan;
  await connection.unary(
    TasksService.create,
    CreateTaskRequest.fromPartial({ containerId, ...paths, terminal, rootfs }),
  );
}
