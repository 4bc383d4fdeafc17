// Tries again what failed for a reason that may pass, a bounded number of times, with longer and longer waits.
import { setTimeout as sleep } from 'node:timers/promises';
import { isBerthError } from '../../domain/errors.js';

/** Without any success in between. */
export const maxAttempts = 5;
const firstWaitMs = 100;
const longestWaitMs = 5000;

/** Whether the same may work a moment later. */
export function mayPass(error: unknown): boolean {
  return isBerthError(error, 'unavailable');
}

/** Before the attempt after the one numbered `attempt`, from 1 on; rejects when the signal comes. */
export async function waitBeforeRetry(attempt: number, signal: AbortSignal): Promise<void> {
  const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1));
  // Many who failed together do not come back together.
  await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal });
}

export async function withRetries<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || attempt === maxAttempts || signal.aborted) throw error;
      await waitBeforeRetry(attempt, signal);
    }
  }
}
