// Stops every task: SIGTERM, and SIGKILL for what has not ended in time. A shim that does not pass a signal on holds up
// nothing: the kernel is asked to, and the shim whether it is there.
import { DeadlineError, withDeadline } from '../base/deadline.js';
import { isBerthError } from '../domain/errors.js';
import { killProcess } from './kill-process.js';
import type { LiveTask } from './live-tasks.js';
import { question } from './shim-calls.js';
import { signalInit } from './signal-past-shim.js';
import type { Supervisor } from './supervisor.js';

const SIGTERM = 15;
const SIGKILL = 9;
/** A shim that is well passes a signal on within milliseconds. */
const passOnTimeoutMs = 2000;
/** Only the kernel can be slow after SIGKILL, and the daemon where it has to find out that the shim hangs. */
const killedTimeoutMs = 15_000;

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

/** Whether its end is on record within the limit. */
async function endsAfter(supervisor: Supervisor, task: LiveTask, signal: number, limitMs: number): Promise<boolean> {
  const passing = passOn(supervisor, task, signal);
  try {
    await withDeadline(Promise.all([passing, task.exitOf('')]), limitMs, 'the end of the task');
    return true;
  } catch (error) {
    // By then it has had its signal, one way or the other.
    await passing;
    if (error instanceof DeadlineError) return false;
    // It has ended, or was deleted, in the meantime.
    if (isBerthError(error, 'not-found')) return true;
    throw error;
  }
}

async function passOn(supervisor: Supervisor, task: LiveTask, signal: number): Promise<void> {
  const { namespace, id } = task.record;
  const request = { execId: '', signal, all: signal === SIGKILL };
  try {
    await withDeadline(killProcess(supervisor, task.record, request), passOnTimeoutMs, 'passing a signal on');
  } catch (error) {
    if (isBerthError(error, 'not-found')) return;
    supervisor.log.warn('a shim does not pass a signal on: the kernel does', { namespace, containerId: id, error });
    signalInit(task, signal);
    if (task.shim !== undefined) void question(supervisor, task, task.shim);
  }
}
