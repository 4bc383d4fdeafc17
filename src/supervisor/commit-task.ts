// Persist, then publish: a task's next record and the events that tell of it, in one batch.
import type { EventDraft, TaskRecord } from '../domain/records.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';

/** Must run in the task's own queue. */
export async function commitTask(
  supervisor: Supervisor,
  task: LiveTask,
  next: TaskRecord,
  drafts: readonly EventDraft[],
): Promise<void> {
  await supervisor.store.commit([supervisor.store.tasks.put(next, next)], drafts);
  task.record = next;
}
