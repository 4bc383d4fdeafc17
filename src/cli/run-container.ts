// Creates a container and its task and runs it, in the foreground or detached; a failure on the way leaves nothing.
import { UndoStack } from '../base/undo-stack.js';
import { messageOf } from '../domain/errors.js';
import { Container, ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import { CreateTaskRequest, TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import { jsonAny } from './any-types.js';
import type { Connection } from './connection.js';
import { runInForeground } from './foreground-process.js';
import { orUndefined } from './records.js';
import { removeContainer } from './remove-container.js';
import type { Session } from './session.js';
import { type OciSpec, specTypeUrl } from './spec/oci.js';
import { makeFifoSet, removeFifosOf, type StdioPaths, type StdioWishes } from './stdio/fifo-set.js';
import { OutputRelay } from './stdio/output-relay.js';

export interface RunPlan {
  readonly id: string;
  readonly spec: OciSpec;
  readonly labels: Record<string, string>;
  readonly runtime: string;
  readonly remove: boolean;
  readonly detach: boolean;
  /** Where a detached container's output goes instead of FIFOs; empty for FIFOs. */
  readonly logUri: string;
  readonly stdio: StdioWishes;
}

/** The code that `berth` ends with. */
export async function runContainer(session: Session, plan: RunPlan): Promise<number> {
  const connection = await session.connect();
  await using undo = new UndoStack();
  const container = Container.fromPartial({
    id: plan.id,
    labels: plan.labels,
    runtime: { name: plan.runtime },
    spec: jsonAny(specTypeUrl, plan.spec),
  });
  await connection.unary(ContainersService.create, { container });
  undo.push(async () => await removeQuietly(connection, plan.id));
  const code = plan.detach
    ? await runDetached(session, connection, plan)
    : await runAttached(session, connection, plan);
  if (!plan.remove) undo.disarm();
  return code;
}

async function runAttached(session: Session, connection: Connection, plan: RunPlan): Promise<number> {
  const removeTask = async () => {
    await orUndefined(async () => await connection.unary(TasksService.delete, { containerId: plan.id }));
  };
  return await runInForeground(connection, {
    containerId: plan.id,
    execId: '',
    address: session.globals.address,
    stdio: plan.stdio,
    create: async (paths, signal) => await createTask(connection, plan, paths, signal),
    ...(plan.remove ? { remove: removeTask } : {}),
  });
}

async function runDetached(session: Session, connection: Connection, plan: RunPlan): Promise<number> {
  await using undo = new UndoStack();
  const readers: OutputRelay[] = [];
  undo.push(() => readers.forEach((reader) => reader.close()));
  const paths = await detachedStdio(session, plan);
  await using fifos = new UndoStack();
  fifos.push(async () => await removeFifosOf(paths));
  // A shim may wait for a reader before it answers.
  for (const path of [paths.stdout, paths.stderr]) {
    if (path !== '' && plan.logUri === '') readers.push(new OutputRelay(path));
  }
  await createTask(connection, plan, paths);
  await connection.unary(TasksService.start, { containerId: plan.id, execId: '' });
  fifos.disarm();
  session.printId(plan.id);
  return 0;
}

async function detachedStdio(session: Session, plan: RunPlan): Promise<StdioPaths> {
  if (plan.logUri === '') return await makeFifoSet(session.globals.address, plan.stdio);
  return { stdin: '', stdout: plan.logUri, stderr: plan.stdio.terminal ? '' : plan.logUri };
}

async function createTask(
  connection: Connection,
  plan: RunPlan,
  paths: StdioPaths,
  signal?: AbortSignal,
): Promise<void> {
  const request = CreateTaskRequest.fromPartial({
    containerId: plan.id,
    ...paths,
    terminal: plan.stdio.terminal,
  });
  await connection.unary(TasksService.create, request, signal === undefined ? {} : { signal });
}

/** The failure that led here is what the user has to read; this one is told beside it. */
async function removeQuietly(connection: Connection, id: string): Promise<void> {
  try {
    await orUndefined(async () => await removeContainer(connection, id, true));
  } catch (error) {
    process.stderr.write(`berth: container ${id} could not be removed: ${messageOf(error)}\n`);
  }
}
