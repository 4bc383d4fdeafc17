// Signals a task's init past its shim, which hangs or is gone: by the pidfd that the daemon holds.
import { containerCgroupOf } from '../linux/cgroup.js';
import { hasFreezer, isFrozen, thawCgroup } from '../linux/freezer.js';
import { isSystemError } from '../linux/libc.js';
import { signalPidfd } from '../linux/pidfd.js';
import type { LiveTask } from './live-tasks.js';

const SIGKILL = 9;

/** False when init has ended. */
export function signalInit(task: LiveTask, signal: number): boolean {
  task.holdInit();
  const pidfd = task.held.find('');
  if (pidfd === undefined) return false;
  try {
    signalPidfd(pidfd, signal);
  } catch (error) {
    if (isSystemError(error, 'ESRCH')) return false;
    throw error;
  }
  if (signal === SIGKILL) thawIfFrozen(task.record.init.pid);
  return true;
}

/** A frozen process of cgroup v1 takes its SIGKILL only once it is thawed. */
function thawIfFrozen(pid: number): void {
  const cgroup = containerCgroupOf(pid);
  if (hasFreezer(cgroup) && isFrozen(cgroup)) thawCgroup(cgroup);
}
