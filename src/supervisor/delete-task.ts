// Deletes a task that has ended: runtime state, shim, bundle, and the record last, so that a deletion cut short anywhere
// is finished by the next call.
import { failpoint } from '../base/failpoint.js';
import { BerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { removeBundle } from '../shims/bundle.js';
import { changeTask } from './change-task.js';
import { taskDeleted } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { endOf, type ProcessEnd } from './process-end.js';
import { deleteInShim } from './shim-calls.js';
import { shimKindOf } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

export function deleteTask(supervisor: Supervisor, key: ContainerKey): Promise<ProcessEnd> {
  return changeTask(supervisor, key, async (task) => {
    const { init } = task.record;
    if ((init.state !== 'stopped' && init.state !== 'created') || task.starting.has('')) {
      throw new BerthError('failed-precondition', `task ${key.id} is ${init.state}: stop it before its deletion`);
    }
    const end = endOf(init, await deleteRuntimePart(supervisor, task));
    failpoint('delete.shim-ended');
    await removeBundle(task.record.bundle);
    failpoint('delete.bundle-removed');
    await supervisor.store.commit([supervisor.store.tasks.remove(key)], [taskDeleted(key, end)]);
    failpoint('delete.committed');
    supervisor.tasks.remove(key);
    for (const execId of ['', ...Object.keys(task.record.execs)]) task.announceRemoval(execId);
    return end;
  });
}

async function deleteRuntimePart(supervisor: Supervisor, task: LiveTask) {
  const { shim, record } = task;
  const kind = shimKindOf(supervisor, record.runtime);
  if (shim === undefined) {
    await kind.deleteContainer(supervisor, record);
    return undefined;
  }
  const end = await deleteInShim(supervisor, task, '');
  failpoint('delete.shim-answered');
  task.shim = undefined;
  await kind.shutdown(supervisor, shim, record);
  return end;
}
