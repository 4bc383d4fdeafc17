// Signals a task's processes past its shim, which hangs or is gone: by the pidfds that the daemon holds, and by its cgroup.
import { BerthError } from '../domain/errors.js';
import { containerCgroupOf, signalCgroup } from '../linux/cgroup.js';
import { hasFreezer, isFrozen, thawCgroup } from '../linux/freezer.js';
import { isSystemError } from '../linux/libc.js';
import { signalPidfd } from '../linux/pidfd.js';
import type { LiveTask } from './live-tasks.js';

export interface SignalRequest {
  readonly execId: string;
  /** 1 to 64. */
  readonly signal: number;
  /** Every process of the task. */
  readonly all: boolean;
}

const SIGKILL = 9;

/** `not-found` when the process has ended; `unavailable` for an exec that only a shim could find. */
export function signalPastShim(task: LiveTask, { execId, signal, all }: SignalRequest): void {
  if (!deliver(task, execId, signal, all)) throw new BerthError('not-found', 'process already finished: not found');
}

function deliver(task: LiveTask, execId: string, signal: number, all: boolean): boolean {
  if (all) return signalAll(task, signal);
  if (execId === '') return signalInit(task, signal);
  if (task.held.find(execId) === undefined) task.reachableShim();
  return signalHeld(task, execId, signal);
}

/** False when init has ended. */
export function signalInit(task: LiveTask, signal: number): boolean {
  task.holdInit();
  if (!signalHeld(task, '', signal)) return false;
  if (signal === SIGKILL) thawIfFrozen(task.record.init.pid);
  return true;
}

/** Where no cgroup sets the task apart it is init alone. */
function signalAll(task: LiveTask, signal: number): boolean {
  const cgroup = containerCgroupOf(task.record.init.pid);
  if (cgroup === undefined) return signalInit(task, signal);
  // Its pid may be another process's by now, and so may the group.
  task.holdInit();
  if (!signalHeld(task, '', 0)) return false;
  signalCgroup(cgroup, signal);
  return true;
}

function signalHeld(task: LiveTask, execId: string, signal: number): boolean {
  const pidfd = task.held.find(execId);
  if (pidfd === undefined) return false;
  try {
    signalPidfd(pidfd, signal);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ESRCH')) return false;
    throw error;
  }
}

/** A frozen process of cgroup v1 takes its SIGKILL only once it is thawed. */
function thawIfFrozen(pid: number): void {
  const cgroup = containerCgroupOf(pid);
  if (hasFreezer(cgroup) && isFrozen(cgroup)) thawCgroup(cgroup);
}
