// Waits that a caller's going away ends.
import { BerthError } from '../src/domain/errors.js';

/** Rejects with `cancelled` when `signal` aborts first; what is waited for goes on. */
export async function withAbort<T>(promise: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  const listener = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const abort = (): void => reject(new BerthError('cancelled', `${what} was cancelled`));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true, signal: listener.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    listener.abort();
  }
}
