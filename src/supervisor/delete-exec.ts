// Deletes an exec that has ended, or was never started.
import { failpoint } from '../base/failpoint.js';
import { BerthError } from '../domain/errors.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import { commitTask } from './commit-task.js';
import { endOf, type ProcessEnd } from './process-end.js';
import { deleteInShim } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { withoutExec } from './task-record.js';

export async function deleteExec(supervisor: Supervisor, key: ContainerKey, execId: string): Promise<ProcessEnd> {
  const task = supervisor.tasks.get(key);
  if (execId === '') throw new BerthError('invalid-argument', 'an exec id is needed: init goes with its task');
  const process = task.process(execId);
  if ((process.state !== 'stopped' && process.state !== 'created') || task.starting.has(execId)) {
    const message = `process ${execId} in task ${key.id} is running: stop it before its deletion`;
    throw new BerthError('failed-precondition', message);
  }
  // Outside the queue: the shim may wait for slow readers of the process's output, and exits must not wait with it.
  await task.reaching;
  const end = task.shim === undefined ? undefined : await deleteInShim(supervisor, task, execId);
  failpoint('delete-exec.shim-answered');
  return supervisor.queue.run(keyString(key), async () => {
    const known = endOf(task.process(execId), end);
    await commitTask(supervisor, task, withoutExec(task.record, execId), []);
    task.announceRemoval(execId);
    return known;
  });
}
