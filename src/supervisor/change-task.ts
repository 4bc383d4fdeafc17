// How a verb changes a task: in the container's queue, and not while the task's shim is being looked for or replaced,
// which needs that queue itself.
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';

/** `not-found` when there is no such task. */
export async function changeTask<T>(
  supervisor: Supervisor,
  key: ContainerKey,
  change: (task: LiveTask) => Promise<T>,
): Promise<T> {
  await supervisor.tasks.get(key).reaching;
  return supervisor.queue.run(keyString(key), () => change(supervisor.tasks.get(key)));
}
