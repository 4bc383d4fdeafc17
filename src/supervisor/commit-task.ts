// Persist, then publish: a task's next record and the events that tell of it, in one batch.
import type { EventDraft, TaskRecord } from '../domain/records.js';
import type { Change } from '../store/database.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';

/** Must run in the task's own queue. */
export async function commitTask(
  supervisor: Supervisor,
  task: LiveTask,
  next: TaskRecord,
  drafts: readonly EventDraft[],
  alongside: readonly Change[] = [],
): Promise<void> {
  await supervisor.store.commit([supervisor.store.tasks.put(next, next), ...alongside], drafts);
  task.record = next;
}
