// Whether a task is paused is known to the kernel, and the record may be behind: the daemon was killed between a pause and
// its record, or somebody used the runtime directly. The shim is asked, where it has not said so when it was connected to,
// and the truth committed with its event.
import { keyString } from '../domain/ids.js';
import type { EventDraft, TaskRecord } from '../domain/records.js';
import { Status } from '../generated/containerd/v1/types/task.js';
import { commitTask } from './commit-task.js';
import { taskPaused, taskResumed } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { callShim, shimCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { steppedInit } from './task-record.js';

export function reconcileInBackground(supervisor: Supervisor, task: LiveTask): void {
  if (!mayBePaused(task.record) || runsAsRecorded(task)) return;
  void reconcilePause(supervisor, task).catch((error: unknown) => {
    const { namespace, id } = task.record;
    supervisor.log.debug('whether a task is paused could not be asked', { namespace, containerId: id, error });
  });
}

function reconcilePause(supervisor: Supervisor, task: LiveTask): Promise<void> {
  return supervisor.queue.run(keyString(task.record), async () => {
    const { id } = task.record;
    if (supervisor.tasks.find(task.record) !== task || !mayBePaused(task.record)) return;
    const { status } = await callShim(supervisor, task, shimCallTimeoutMs, (api, options) =>
      api.state({ id, execId: '' }, options),
    );
    if (status !== Status.PAUSED && status !== Status.RUNNING) return;
    const { next, drafts } = reconciled(task.record, status === Status.PAUSED);
    if (next !== task.record) await commitTask(supervisor, task, next, drafts);
  });
}

function runsAsRecorded({ record, shim }: LiveTask): boolean {
  const init = shim?.greeting?.find(({ execId }) => execId === '');
  return record.init.state === 'running' && init?.status === Status.RUNNING;
}

function mayBePaused({ init }: TaskRecord): boolean {
  return init.state === 'running' || init.state === 'pausing' || init.state === 'paused';
}

interface Reconciled {
  readonly next: TaskRecord;
  readonly drafts: readonly EventDraft[];
}

function reconciled(record: TaskRecord, isPaused: boolean): Reconciled {
  const { state } = record.init;
  if (isPaused && state !== 'paused') {
    const pausing = state === 'pausing' ? record : steppedInit(record, 'pause');
    return { next: steppedInit(pausing, 'paused'), drafts: [taskPaused(record)] };
  }
  if (!isPaused && state === 'paused') return { next: steppedInit(record, 'resume'), drafts: [taskResumed(record)] };
  if (!isPaused && state === 'pausing') return { next: steppedInit(record, 'pause-failed'), drafts: [] };
  return { next: record, drafts: [] };
}
