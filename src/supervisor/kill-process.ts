// Sends a signal to a process, or to every process of a task.
import { BerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { callShim, shimCallTimeoutMs } from './shim-calls.js';
import { type SignalRequest, signalPastShim } from './signal-past-shim.js';
import type { Supervisor } from './supervisor.js';

const maxSignal = 64;

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
  await task.reaching;
  if (task.shim === undefined) {
    signalPastShim(task, request);
    return;
  }
  await callShim(supervisor, task, shimCallTimeoutMs, (api, options) => api.kill({ id: key.id, ...request }, options));
}
