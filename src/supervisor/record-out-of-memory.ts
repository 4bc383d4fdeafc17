// Commits that the kernel killed a process of the container for want of memory.
import { keyString } from '../domain/ids.js';
import type { ShimEvent } from '../generated/berth/shim/v1/shim.js';
import { commitTask } from './commit-task.js';
import { taskOutOfMemory } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';
import { withSequence } from './task-record.js';

export function recordOutOfMemory(supervisor: Supervisor, task: LiveTask, event: ShimEvent): Promise<void> {
  return supervisor.queue.run(keyString(task.record), async () => {
    if (supervisor.tasks.find(task.record) !== task) return;
    await commitTask(supervisor, task, withSequence(task.record, event.sequence), [taskOutOfMemory(task.record)]);
  });
}
