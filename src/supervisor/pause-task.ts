// Pauses and resumes a task: PAUSING is visible while the shim is at it.
import { failpoint } from '../base/failpoint.js';
import type { ContainerKey } from '../domain/ids.js';
import { changeTask } from './change-task.js';
import { commitTask } from './commit-task.js';
import { taskPaused, taskResumed } from './event-drafts.js';
import { reconcileInBackground } from './reconcile-pause.js';
import { callShim, runtimeCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { steppedInit } from './task-record.js';

export function pauseTask(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  return changeTask(supervisor, key, async (task) => {
    const pausing = steppedInit(task.record, 'pause');
    await commitTask(supervisor, task, pausing, []);
    failpoint('pause-begun');
    try {
      await callShim(supervisor, task, runtimeCallTimeoutMs, (api, options) => api.pause({ id: key.id }, options));
    } catch (error) {
      await commitTask(supervisor, task, steppedInit(task.record, 'pause-failed'), []);
      reconcileInBackground(supervisor, task);
      throw error;
    }
    failpoint('pause-done');
    await commitTask(supervisor, task, steppedInit(task.record, 'paused'), [taskPaused(key)]);
  });
}

export function resumeTask(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  return changeTask(supervisor, key, async (task) => {
    const running = steppedInit(task.record, 'resume');
    try {
      await callShim(supervisor, task, runtimeCallTimeoutMs, (api, options) => api.resume({ id: key.id }, options));
    } catch (error) {
      reconcileInBackground(supervisor, task);
      throw error;
    }
    await commitTask(supervisor, task, running, [taskResumed(key)]);
  });
}
