// Calls to a shim: a deadline each, and suspicion when one is missed. A shim that then does not even say who it is has
// hung: it is killed, and its container goes to another (see watch-shim).
import { readlinkSync, realpathSync } from 'node:fs';
import { withDeadline } from '../base/deadline.js';
import { BerthError, isBerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { checkpointTimeoutMs } from '../runc/runc.js';
import type { TaskShim } from '../shims/task-shim.js';
import type { LiveTask } from './live-tasks.js';
import type { ShimEnd } from './process-end.js';
import { shimKindOf } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

/** For calls in which the shim runs the OCI runtime; above the shim's own limit, whose failure is better worded. */
export const runtimeCallTimeoutMs = 150_000;
/** For calls in which CRIU reads or writes all of a container's memory; above the shim's own limit. */
export const checkpointCallTimeoutMs = checkpointTimeoutMs + 30_000;
/** For calls that the shim answers by itself. */
export const shimCallTimeoutMs = 10_000;
/** A shim that is well says who it is within milliseconds. */
const doubtAfterMs = 500;
/** From SIGKILL to the end of the connection; containerd gives a shim as long to shut down. */
const endTimeoutMs = 3000;

type TaskApi = TaskShim['task'];

/** `unavailable` while the shim is out of reach or under suspicion: one hung shim holds up nobody for long. */
export async function callShim<T>(
  supervisor: Supervisor,
  task: LiveTask,
  timeoutMs: number,
  call: (api: TaskApi, options: { readonly timeoutMs: number }) => Promise<T>,
): Promise<T> {
  const shim = task.reachableShim();
  if (task.suspected)
    throw new BerthError('unavailable', `the shim of task ${task.record.id} does not answer: its circuit is open`);
  // A call may rightly take long; a shim that takes it and answers nothing else has hung.
  const slow = setInterval(() => void question(supervisor, task, shim), shimCallTimeoutMs);
  try {
    return await call(shim.task, { timeoutMs });
  } catch (error) {
    if (isBerthError(error, 'deadline-exceeded')) void question(supervisor, task, shim);
    throw error;
  } finally {
    clearInterval(slow);
  }
}

/** Deletes in the shim; undefined when it did so before, in a deletion that was cut short after that. */
export async function deleteInShim(
  supervisor: Supervisor,
  task: LiveTask,
  execId: string,
): Promise<ShimEnd | undefined> {
  const { id } = task.record;
  try {
    return await callShim(supervisor, task, runtimeCallTimeoutMs, (api, options) =>
      api.delete({ id, execId }, options),
    );
  } catch (error) {
    if (isBerthError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Asks the shim who it is; opens its circuit when that takes long, and ends it when it does not answer. */
export async function question(supervisor: Supervisor, task: LiveTask, shim: TaskShim): Promise<void> {
  if (task.questioned) return;
  task.questioned = true;
  const { namespace, id, bundle, runtime } = task.record;
  const { pid } = shim.identity;
  const doubt = setTimeout(() => {
    task.suspected = true;
    supervisor.log.warn('a shim does not answer: calls to it fail at once', { namespace, containerId: id, pid });
  }, doubtAfterMs);
  try {
    await shim.ping();
  } catch (error) {
    task.hangs++;
    supervisor.log.error('a shim has hung: it is killed', { namespace, containerId: id, pid, error });
    shimKindOf(supervisor, runtime).kill(shim.identity, bundle);
    await shim.close();
  } finally {
    clearTimeout(doubt);
    task.suspected = false;
    task.questioned = false;
  }
}

/**
 * Ends a shim that has no container any more, and waits until it is gone. It is killed, since it has nothing left to write
 * down, and being asked takes a fresh shim longer than all else of a deletion.
 */
export async function endShim(
  supervisor: Supervisor,
  shim: TaskShim,
  { namespace, id }: ContainerKey,
  bundle: string,
): Promise<void> {
  const { pid } = shim.identity;
  killShim(pid, bundle);
  try {
    await withDeadline(shim.closed, endTimeoutMs, 'the end of the shim');
  } catch (error) {
    supervisor.log.warn('a shim does not end', { namespace, containerId: id, pid, error });
  } finally {
    await shim.close();
  }
}

/** Kills the process only while it works in the bundle, as that bundle's shim does: a pid may be used again. */
export function killShim(pid: number, bundle: string): void {
  try {
    if (readlinkSync(`/proc/${pid}/cwd`) === realpathSync(bundle)) process.kill(pid, 'SIGKILL');
  } catch {
    // It, or its bundle, is gone.
  }
}
