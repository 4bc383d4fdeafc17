// A start that the shim carried out and nobody wrote down: the daemon was killed, or the connection lost, before the
// answer. Committed when the shim is reached again, before its events are taken, so that the start comes before the exit.
import { keyString } from '../domain/ids.js';
import type { EventDraft, TaskRecord } from '../domain/records.js';
import type { ProcessState } from '../generated/berth/shim/v1/shim.js';
import { Status } from '../generated/containerd/v1/types/task.js';
import type { TaskShim } from '../shims/task-shim.js';
import { commitTask } from './commit-task.js';
import { execStarted, taskStarted } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';
import { stepped, withProcess } from './task-record.js';

export async function catchUpWithStarts(supervisor: Supervisor, task: LiveTask, shim: TaskShim): Promise<void> {
  const processes = shim.greeting ?? (await shim.processes(task.record));
  await supervisor.queue.run(keyString(task.record), async () => {
    const drafts: EventDraft[] = [];
    let next = task.record;
    for (const process of processes) {
      if (isRecordedAlive(task.record, process)) task.held.hold(process.execId, process.pid);
      if (!hasStartedUnseen(task, process)) continue;
      const { execId, pid } = process;
      next = withProcess(next, stepped(task.process(execId), 'start', pid));
      drafts.push(execId === '' ? taskStarted(next, pid) : execStarted(next, execId, pid));
    }
    if (drafts.length > 0) await commitTask(supervisor, task, next, drafts);
  });
}

/** The shim that has it for a child says so: the pid cannot have been used again. */
function isRecordedAlive(record: TaskRecord, { execId, pid, status }: ProcessState): boolean {
  const known = recorded(record, execId);
  return status !== Status.STOPPED && known?.pid === pid && known.state !== 'stopped';
}

/** A start that is under way now is committed by whoever asked for it. */
function hasStartedUnseen(task: LiveTask, { execId, status }: ProcessState): boolean {
  if (status !== Status.RUNNING && status !== Status.PAUSED) return false;
  return recorded(task.record, execId)?.state === 'created' && !task.starting.has(execId);
}

function recorded({ init, execs }: TaskRecord, execId: string) {
  return execId === '' ? init : execs[execId];
}
