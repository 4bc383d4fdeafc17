// The calls that only pass through to the shim: terminal size, end of standard input, and the list of pids.
import { BerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import type { ProcessInfo } from '../generated/containerd/v1/types/task.js';
import { callShim, shimCallTimeoutMs } from './shim-calls.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';

/** Columns and rows. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

export async function resizeTerminal(
  supervisor: Supervisor,
  key: ContainerKey,
  execId: string,
  size: TerminalSize,
): Promise<void> {
  const task = supervisor.tasks.get(key);
  checkNotStopped(task, execId);
  await task.reaching;
  await callShim(supervisor, task, shimCallTimeoutMs, (api, options) =>
    api.resizePty({ id: key.id, execId, ...size }, options),
  );
}

/** Closes the shim's end of the process's standard input, so that the process reads the end once clients have closed theirs. */
export async function closeStdin(supervisor: Supervisor, key: ContainerKey, execId: string): Promise<void> {
  const task = supervisor.tasks.get(key);
  // A process that has ended has no input to close.
  if (task.process(execId).state === 'stopped') return;
  await task.reaching;
  await callShim(supervisor, task, shimCallTimeoutMs, (api, options) =>
    api.closeIO({ id: key.id, execId, stdin: true }, options),
  );
}

export async function listPids(supervisor: Supervisor, key: ContainerKey): Promise<ProcessInfo[]> {
  const task = supervisor.tasks.get(key);
  if (task.record.init.state === 'stopped') return [];
  await task.reaching;
  const { processes } = await callShim(supervisor, task, shimCallTimeoutMs, (api, options) =>
    api.pids({ id: key.id }, options),
  );
  return processes;
}

function checkNotStopped(task: LiveTask, execId: string): void {
  if (task.process(execId).state === 'stopped') {
    throw new BerthError('failed-precondition', `a stopped process has no terminal to resize`);
  }
}
