// Deletes a task that has ended: runtime state, shim, the bundle's name, and the record last, so that a deletion cut short
// anywhere is finished by the next call. What is left of the bundle then is found by its new name.
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '../base/failpoint.js';
import { BerthError, isBerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { doomBundle, tryToRemoveDoomed } from '../shims/bundle.js';
import type { TaskShim } from '../shims/task-shim.js';
import { changeTask } from './change-task.js';
import { taskDeleted } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { endOf, type ProcessEnd, type ShimEnd } from './process-end.js';
import { deleteInShim } from './shim-calls.js';
import { shimKindOf } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

/** A call fails a turn or two before the connection is closed. */
const lostTimeoutMs = 500;

export function deleteTask(supervisor: Supervisor, key: ContainerKey): Promise<ProcessEnd> {
  return changeTask(supervisor, key, async (task) => {
    const { init } = task.record;
    if ((init.state !== 'stopped' && init.state !== 'created') || task.starting.has('')) {
      throw new BerthError('failed-precondition', `task ${key.id} is ${init.state}: stop it before its deletion`);
    }
    const { shimEnd, shimGone } = await deleteRuntimePart(supervisor, task);
    const end = endOf(init, shimEnd);
    failpoint('delete.shim-ended');
    try {
      const doomed = await doomBundle(task.record.bundle);
      failpoint('delete.bundle-doomed');
      const committed = supervisor.store.commit([supervisor.store.tasks.remove(key)], [taskDeleted(key, end)]);
      // Once the batch is being written.
      const removed = setImmediate().then(() => tryToRemoveDoomed(doomed, supervisor.log));
      await Promise.all([committed, removed]);
      failpoint('delete.committed');
      supervisor.tasks.remove(key);
    } finally {
      await shimGone;
    }
    for (const execId of ['', ...Object.keys(task.record.execs)]) task.announceRemoval(execId);
    return end;
  });
}

interface RuntimeDeletion {
  readonly shimEnd: ShimEnd | undefined;
  /** Never rejects. The kernel takes its time to end a Node; nobody needs it for what else is to be removed. */
  readonly shimGone: Promise<void>;
}

async function deleteRuntimePart(supervisor: Supervisor, task: LiveTask): Promise<RuntimeDeletion> {
  const { shim, record } = task;
  const kind = shimKindOf(supervisor, record.runtime);
  const without = async (): Promise<RuntimeDeletion> => {
    await kind.deleteContainer(supervisor, record);
    return { shimEnd: undefined, shimGone: Promise.resolve() };
  };
  if (shim === undefined) return await without();
  let shimEnd: ShimEnd | undefined;
  try {
    shimEnd = await deleteInShim(supervisor, task, '');
  } catch (error) {
    if (!isBerthError(error, 'unavailable') || task.suspected || !(await isLost(shim))) throw error;
    // It has died under the call.
    task.shim = undefined;
    kind.kill(shim.identity, record.bundle);
    return await without();
  }
  failpoint('delete.shim-answered');
  task.shim = undefined;
  const shimGone = kind.shutdown(supervisor, shim, record);
  if (!kind.endsAtOnce) await shimGone;
  return { shimEnd, shimGone };
}

/** Whether its connection has ended, as it does when a call has failed for that. */
async function isLost(shim: TaskShim): Promise<boolean> {
  return await Promise.race([shim.closed.then(() => true), sleep(lostTimeoutMs, false)]);
}
