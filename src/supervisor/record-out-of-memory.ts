// Commits that the kernel killed a process of the container for want of memory.
import { withDeadline } from '../base/deadline.js';
import { keyString } from '../domain/ids.js';
import { commitTask } from './commit-task.js';
import { taskOutOfMemory } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';
import { withSequence } from './task-record.js';

/** The victim may be a process that is just being started, whose start is told first; but no notice waits for long. */
const startsTimeoutMs = 2000;

/** `sequence`: the shim's, that this notice brings the record to. */
export async function recordOutOfMemory(supervisor: Supervisor, task: LiveTask, sequence: bigint): Promise<void> {
  await withDeadline(Promise.allSettled(task.starting.values()), startsTimeoutMs, 'a start').catch(() => undefined);
  await supervisor.queue.run(keyString(task.record), async () => {
    if (supervisor.tasks.find(task.record) !== task) return;
    await commitTask(supervisor, task, withSequence(task.record, sequence), [taskOutOfMemory(task.record)]);
  });
}
