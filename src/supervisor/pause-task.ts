// Pauses and resumes a task: PAUSING is visible while the shim is at it.
import { type ContainerKey, keyString } from '../domain/ids.js';
import { commitTask } from './commit-task.js';
import { taskPaused, taskResumed } from './event-drafts.js';
import { shimCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { steppedInit } from './task-record.js';

export function pauseTask(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  return supervisor.queue.run(keyString(key), async () => {
    const task = supervisor.tasks.get(key);
    const pausing = steppedInit(task.record, 'pause');
    const shim = await task.reachableShim();
    await commitTask(supervisor, task, pausing, []);
    try {
      await shim.task.pause({ id: key.id }, { timeoutMs: shimCallTimeoutMs });
    } catch (error) {
      await commitTask(supervisor, task, steppedInit(task.record, 'pause-failed'), []);
      throw error;
    }
    await commitTask(supervisor, task, steppedInit(task.record, 'paused'), [taskPaused(key)]);
  });
}

export function resumeTask(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  return supervisor.queue.run(keyString(key), async () => {
    const task = supervisor.tasks.get(key);
    const running = steppedInit(task.record, 'resume');
    const shim = await task.reachableShim();
    await shim.task.resume({ id: key.id }, { timeoutMs: shimCallTimeoutMs });
    await commitTask(supervisor, task, running, [taskResumed(key)]);
  });
}
