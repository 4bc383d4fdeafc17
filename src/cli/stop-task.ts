// Brings a task to its end: a signal, a while of waiting, then SIGKILL.
import { isBerthError } from '../domain/errors.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import { withDeadline, DeadlineError } from '../base/deadline.js';
import type { Connection } from './connection.js';
import { orUndefined } from './records.js';

export interface StopSettings {
  readonly signal: number;
  /** 0 means SIGKILL at once. */
  readonly timeoutMs: number;
}

const SIGKILL = 9;
/** A process that SIGKILL has not ended by then is stuck in the kernel, or its shim is. */
const killLimitMs = 15_000;

/** Resolves when the task has ended, or was not running. */
export async function stopTask(connection: Connection, containerId: string, settings: StopSettings): Promise<void> {
  const waiting = new AbortController();
  const exit = orUndefined(async () => await waitForTask(connection, containerId, waiting.signal));
  try {
    if (settings.timeoutMs > 0) {
      await signalTask(connection, containerId, settings.signal, false);
      if (await endsWithin(exit, settings.timeoutMs)) return;
    }
    await signalTask(connection, containerId, SIGKILL, true);
    await withDeadline(exit, killLimitMs, `container ${containerId}: the end after SIGKILL`);
  } finally {
    waiting.abort();
    exit.catch(() => undefined);
  }
}

export async function killTask(connection: Connection, containerId: string): Promise<void> {
  await stopTask(connection, containerId, { signal: SIGKILL, timeoutMs: 0 });
}

async function waitForTask(connection: Connection, containerId: string, signal: AbortSignal): Promise<void> {
  await connection.unary(TasksService.wait, { containerId, execId: '' }, { signal, endless: true });
}

/** A task that has ended already is what the caller wants. */
async function signalTask(connection: Connection, containerId: string, signal: number, all: boolean): Promise<void> {
  try {
    await connection.unary(TasksService.kill, { containerId, execId: '', signal, all });
  } catch (error) {
    if (!isBerthError(error, 'not-found')) throw error;
  }
}

async function endsWithin(exit: Promise<unknown>, limitMs: number): Promise<boolean> {
  try {
    await withDeadline(exit, limitMs, 'the end of the task');
    return true;
  } catch (error) {
    if (error instanceof DeadlineError) return false;
    throw error;
  }
}
