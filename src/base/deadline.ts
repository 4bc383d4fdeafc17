// Time limits on promises, and waits that a signal can end.
import { setTimeout as sleep } from 'node:timers/promises';

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Rejects with DeadlineError when `promise` has not settled after `limitMs`; the work itself goes on. */
export async function withDeadline<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  const timer = new AbortController();
  const late = sleep(limitMs, undefined, { signal: timer.signal }).then(() => {
    throw new DeadlineError(`${what} took longer than ${limitMs} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}

/** Calls `probe` every `intervalMs` until it gives a value; throws DeadlineError after `limitMs`. */
export async function poll<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  options: { readonly limitMs: number; readonly intervalMs: number; readonly what: string },
): Promise<T> {
  const end = performance.now() + options.limitMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() >= end) {
      throw new DeadlineError(`${options.what}: not within ${options.limitMs} ms`);
    }
    await sleep(options.intervalMs);
  }
}
