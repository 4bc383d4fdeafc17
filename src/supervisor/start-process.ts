// Starts a created init process, or an exec that was added.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '../base/failpoint.js';
import { BerthError } from '../domain/errors.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { ProcessRecord, TaskRecord } from '../domain/records.js';
import { unpackedImageName } from './checkpoints/stored-image.js';
import { commitTask } from './commit-task.js';
import { execStarted, taskStarted } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { callShim, checkpointCallTimeoutMs, runtimeCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { startTimeOf, stepped, withProcess } from './task-record.js';

/** Returns the pid. The start's event is committed before any exit of the process, however early that comes. */
export async function startProcess(supervisor: Supervisor, key: ContainerKey, execId: string): Promise<number> {
  const task = supervisor.tasks.get(key);
  await task.reaching;
  const { state } = task.process(execId);
  if (state !== 'created' || task.starting.has(execId)) {
    const what = execId === '' ? `task ${key.id}` : `process ${execId} in task ${key.id}`;
    const now = state === 'created' ? 'being started' : state;
    throw new BerthError('failed-precondition', `${what} is ${now}: cannot start it`);
  }
  const start = startAndCommit(supervisor, task, execId);
  task.starting.set(execId, start);
  try {
    return await start;
  } finally {
    task.starting.delete(execId);
  }
}

async function startAndCommit(supervisor: Supervisor, task: LiveTask, execId: string): Promise<number> {
  const { id, init, bundle } = task.record;
  const isRestored = execId === '' && init.pid === 0;
  const startTimeoutMs = isRestored ? checkpointCallTimeoutMs : runtimeCallTimeoutMs;
  const { pid } = await callShim(supervisor, task, startTimeoutMs, (api, options) =>
    api.start({ id, execId }, options),
  );
  failpoint('start.started');
  // It may be large, and nobody needs it any more.
  if (isRestored) await rm(join(bundle, unpackedImageName), { recursive: true, force: true });
  await supervisor.queue.run(keyString(task.record), async () => {
    const next = withStart(task.record, execId, stepped(task.process(execId), 'start', pid));
    const started = execId === '' ? taskStarted(next, pid) : execStarted(next, execId, pid);
    await commitTask(supervisor, task, next, [started]);
    failpoint('start.committed');
  });
  return pid;
}

/** A restored init has its pid only now. */
function withStart(record: TaskRecord, execId: string, process: ProcessRecord): TaskRecord {
  const next = withProcess(record, process);
  if (execId !== '' || record.init.pid === process.pid) return next;
  return { ...next, initStartTime: startTimeOf(process.pid) };
}
