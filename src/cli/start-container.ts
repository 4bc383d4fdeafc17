// Runs a container that is there already: its task is made anew, or where there is one that has not begun, begun.
import { UndoStack } from '../base/undo-stack.js';
import { BerthError } from '../domain/errors.js';
import type { Container } from '../generated/containerd/services/containers/v1/containers.js';
import { SnapshotsService } from '../generated/containerd/services/snapshots/v1/snapshots.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Mount } from '../generated/containerd/types/mount.js';
import type { Process } from '../generated/containerd/v1/types/task.js';
import { attachProcess } from './attach-process.js';
import type { Connection } from './connection.js';
import { findTask, getContainer, specOf } from './records.js';
import { removeTask } from './remove-container.js';
import { tellDetached } from './run-container.js';
import { runTask, type TaskPlan } from './run-task.js';
import type { Session } from './session.js';
import { CaughtSignals } from './stdio/caught-signals.js';
import { checkTerminal } from './stdio/terminal.js';
import { statusName } from './task-status.js';

export interface StartWishes {
  readonly attach: boolean;
  readonly detachKeys: Buffer;
  /** As it was before where this is not said. */
  readonly interactive?: boolean;
  /** Likewise. */
  readonly logUri?: string;
}

/** The code that `berth` ends with. */
export async function startContainer(session: Session, id: string, wishes: StartWishes): Promise<number> {
  const connection = await session.connect();
  const container = await getContainer(connection, id);
  if (container === undefined) throw new BerthError('not-found', `container ${id}: not found`);
  const task = await findTask(connection, id);
  const status = task === undefined ? 'none' : statusName(task.status);
  if (status === 'created') return await startCreated(session, id, wishes);
  if (status === 'none' || status === 'stopped') return await startAnew(session, container, task, wishes);
  if (wishes.attach) {
    throw new BerthError('failed-precondition', `container ${id} is ${status}: 'berth attach ${id}' joins it`);
  }
  session.printId(id);
  return 0;
}

/** The streams are those that whoever made the task gave it. */
async function startCreated(session: Session, containerId: string, wishes: StartWishes): Promise<number> {
  const connection = await session.connect();
  await connection.unary(TasksService.start, { containerId, execId: '' });
  if (wishes.attach) {
    const { detachKeys, interactive: stdin = true } = wishes;
    return await attachProcess(connection, { containerId, execId: '', detachKeys, stdin });
  }
  session.printId(containerId);
  return 0;
}

async function startAnew(
  session: Session,
  container: Container,
  ended: Process | undefined,
  wishes: StartWishes,
): Promise<number> {
  const { id } = container;
  const connection = await session.connect();
  const plan = { ...planOf(container, ended, wishes), rootfs: await mountsOf(connection, container) };
  if (wishes.attach) checkTerminal({ tty: plan.stdio.terminal, interactive: plan.stdio.stdin });
  const signals = new CaughtSignals();
  await using release = new UndoStack();
  release.push(() => signals.release());
  await removeTask(connection, id, false);
  await using undo = new UndoStack();
  undo.push(async () => await removeTask(connection, id, true));
  const { code, detached } = await runTask(session, connection, plan, signals);
  undo.disarm();
  if (detached && wishes.attach) tellDetached(plan);
  return code;
}

function planOf(container: Container, ended: Process | undefined, wishes: StartWishes): Omit<TaskPlan, 'rootfs'> {
  return {
    id: container.id,
    remove: false,
    detach: !wishes.attach,
    logUri: wishes.attach ? '' : (wishes.logUri ?? logUriOf(ended)),
    stdio: {
      stdin: wishes.interactive ?? (ended !== undefined && ended.stdin !== ''),
      terminal: specOf(container)?.process?.terminal === true,
    },
    detachKeys: wishes.detachKeys,
  };
}

/** Where the output went, but for FIFOs. */
function logUriOf(ended: Process | undefined): string {
  return ended !== undefined && /^(?:file|binary):\/\//.test(ended.stdout) ? ended.stdout : '';
}

async function mountsOf(connection: Connection, { snapshotter, snapshotKey: key }: Container): Promise<Mount[]> {
  if (key === '') return [];
  const { mounts } = await connection.unary(SnapshotsService.mounts, { snapshotter, key });
  return mounts;
}
