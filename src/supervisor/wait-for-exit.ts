// Waits until a process has ended and its exit is committed.
import { once } from 'node:events';
import { BerthError } from '../domain/errors.js';
import type { ProcessExit } from '../domain/exit.js';
import type { ContainerKey } from '../domain/ids.js';
import type { Supervisor } from './supervisor.js';

/** Answers at once when it has ended already; `not-found` when it is deleted meanwhile, `cancelled` by `signal`. */
export async function waitForExit(
  supervisor: Supervisor,
  key: ContainerKey,
  execId: string,
  signal: AbortSignal,
): Promise<ProcessExit> {
  const exit = supervisor.tasks.get(key).exitOf(execId);
  const stopWaiting = new AbortController();
  const cancelled = once(signal, 'abort', { signal: stopWaiting.signal }).then(() => {
    throw new BerthError('cancelled', `the wait for task ${key.id} was cancelled`);
  });
  try {
    return await Promise.race([exit, cancelled]);
  } finally {
    stopWaiting.abort();
    cancelled.catch(() => undefined);
  }
}
