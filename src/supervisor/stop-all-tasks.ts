// Stops every task: SIGTERM, and SIGKILL for what has not ended in time.
import { DeadlineError, withDeadline } from '../base/deadline.js';
import { isBerthError } from '../domain/errors.js';
import { killProcess } from './kill-process.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';

const SIGTERM = 15;
const SIGKILL = 9;
/** After SIGKILL only the kernel can be slow. */
const killedTimeoutMs = 10_000;

/** Returns how many were running and have ended. */
export async function stopAllTasks(supervisor: Supervisor, timeoutMs: number): Promise<number> {
  const running = supervisor.tasks.list().filter(({ record }) => record.init.state !== 'stopped');
  const stopped = await Promise.all(running.map((task) => stopTask(supervisor, task, timeoutMs)));
  return stopped.filter(Boolean).length;
}

async function stopTask(supervisor: Supervisor, task: LiveTask, timeoutMs: number): Promise<boolean> {
  const { namespace, id } = task.record;
  try {
    if (await endsAfter(supervisor, task, SIGTERM, timeoutMs)) return true;
    return await endsAfter(supervisor, task, SIGKILL, killedTimeoutMs);
  } catch (error) {
    supervisor.log.error('a task could not be stopped', { namespace, containerId: id, error });
    return false;
  }
}

async function endsAfter(supervisor: Supervisor, task: LiveTask, signal: number, limitMs: number): Promise<boolean> {
  try {
    await killProcess(supervisor, task.record, { execId: '', signal, all: signal === SIGKILL });
    await withDeadline(task.exitOf(''), limitMs, 'the end of the task');
    return true;
  } catch (error) {
    if (error instanceof DeadlineError) return false;
    // It has ended, or was deleted, in the meantime.
    if (isBerthError(error, 'not-found')) return true;
    throw error;
  }
}
