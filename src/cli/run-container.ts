// Creates a container and its task and runs it, in the foreground or detached; a failure on the way leaves nothing.
import { UndoStack } from '../base/undo-stack.js';
import { messageOf } from '../domain/errors.js';
import type { Connection } from './connection.js';
import { type ContainerPlan, createContainer } from './container-plan.js';
import { orUndefined } from './records.js';
import { removeContainer } from './remove-container.js';
import { type RunWishes, runTask } from './run-task.js';
import type { Session } from './session.js';
import { CaughtSignals } from './stdio/caught-signals.js';

export interface RunPlan extends ContainerPlan, RunWishes {}

/** The code that `berth` ends with. `onCreated` is called once the container's record is there. */
export async function runContainer(session: Session, plan: RunPlan, onCreated?: () => Promise<void>): Promise<number> {
  const connection = await session.connect();
  const signals = new CaughtSignals();
  let removes = true;
  await using undo = new UndoStack();
  undo.push(() => signals.release());
  await createContainer(connection, plan);
  undo.push(async () => {
    if (removes) await removeQuietly(connection, plan.id);
  });
  await onCreated?.();
  signals.throwIfInterrupted();
  const task = { ...plan, rootfs: plan.image?.rootfs ?? [] };
  const { code, detached } = await runTask(session, connection, task, signals);
  removes = plan.remove && !detached;
  if (detached && !plan.detach) tellDetached(plan);
  return code;
}

export function tellDetached({ id, remove }: Pick<RunPlan, 'id' | 'remove'>): void {
  const note = remove ? ', which --rm will not remove now' : '';
  process.stderr.write(`\nberth: detached from container ${id}${note}\n`);
}

/** The failure that led here is what the user has to read; this one is told beside it. */
async function removeQuietly(connection: Connection, id: string): Promise<void> {
  try {
    await orUndefined(async () => await removeContainer(connection, id, true));
  } catch (error) {
    process.stderr.write(`berth: container ${id} could not be removed: ${messageOf(error)}\n`);
  }
}
