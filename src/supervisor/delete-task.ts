// Deletes a task that has ended: runtime state, shim, bundle, and the record last, so that a deletion cut short anywhere
// is finished by the next call.
import { failpoint } from '../base/failpoint.js';
import { BerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { removeBundle } from '../shims/bundle.js';
import { changeTask } from './change-task.js';
import { taskDeleted } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { endOf, type ProcessEnd, type ShimEnd } from './process-end.js';
import { deleteInShim } from './shim-calls.js';
import { shimKindOf } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

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
      await removeBundle(task.record.bundle);
      failpoint('delete.bundle-removed');
      await supervisor.store.commit([supervisor.store.tasks.remove(key)], [taskDeleted(key, end)]);
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
  if (shim === undefined) {
    await kind.deleteContainer(supervisor, record);
    return { shimEnd: undefined, shimGone: Promise.resolve() };
  }
  const shimEnd = await deleteInShim(supervisor, task, '');
  failpoint('delete.shim-answered');
  task.shim = undefined;
  const shimGone = kind.shutdown(supervisor, shim, record);
  if (!kind.endsAtOnce) await shimGone;
  return { shimEnd, shimGone };
}
