// Sends a signal to a process, or to every process of a task.
import { withDeadline } from '../base/deadline.js';
import { BerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import type { LiveTask } from './live-tasks.js';
import { callShim, shimCallTimeoutMs } from './shim-calls.js';
import { type SignalRequest, signalPastShim } from './signal-past-shim.js';
import type { Supervisor } from './supervisor.js';

const maxSignal = 64;
/** A shim that is well is reached within milliseconds; a new one may be tried for again and again. */
const reachTimeoutMs = 3000;

/** A finished process is `not-found`, as containerd has it; an exec that was never started `failed-precondition`. */
export async function killProcess(supervisor: Supervisor, key: ContainerKey, request: SignalRequest): Promise<void> {
  if (request.signal < 1 || request.signal > maxSignal) {
    throw new BerthError('invalid-argument', `signal ${request.signal} is not one of 1 to ${maxSignal}`);
  }
  const task = supervisor.tasks.get(key);
  const process = task.process(request.execId);
  if (process.state === 'stopped') throw new BerthError('not-found', 'process already finished: not found');
  if (process.state === 'created' && request.execId !== '') {
    throw new BerthError('failed-precondition', `process ${request.execId} in task ${key.id} is not started`);
  }
  await reached(task, request.execId);
  if (task.shim === undefined) {
    signalPastShim(task, request);
    return;
  }
  await callShim(supervisor, task, shimCallTimeoutMs, (api, options) => api.kill({ id: key.id, ...request }, options));
}

/** Or long enough waited for, where there is a way past the shim. */
async function reached(task: LiveTask, execId: string): Promise<void> {
  if (task.reaching === undefined) return;
  if (execId !== '' && task.held.find(execId) === undefined) await task.reaching;
  else await withDeadline(task.reaching, reachTimeoutMs, 'reaching the shim').catch(() => undefined);
}
