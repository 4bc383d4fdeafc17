// What may end a call from the caller's side: its time limit and its signal.
import { setMaxListeners } from 'node:events';
import { BerthError } from '../domain/errors.js';
import type { CallOptions } from './definition.js';

/** Node fires a timer beyond this at once. */
export const maxTimerMs = 2 ** 31 - 1;

/** Calls `expire` at most once, later than this call; the returned function disarms. Throws when already too late. */
export function armCallLimits(options: CallOptions, name: string, expire: (error: BerthError) => void): () => void {
  const { signal, timeoutMs } = options;
  const cancelled = (): BerthError =>
    new BerthError('cancelled', `${name}: cancelled by the caller`, { cause: signal?.reason });
  const late = (): BerthError => new BerthError('deadline-exceeded', `${name}: not answered within ${timeoutMs} ms`);
  if (signal?.aborted === true) throw cancelled();
  if (timeoutMs !== undefined && timeoutMs <= 0) throw late();

  const timer =
    timeoutMs === undefined || timeoutMs > maxTimerMs ? undefined : setTimeout(() => expire(late()), timeoutMs);
  const onAbort = (): void => expire(cancelled());
  // One signal may end any number of calls, at which Node would warn.
  if (signal !== undefined) setMaxListeners(0, signal);
  signal?.addEventListener('abort', onAbort, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
}

export function timeoutNanosFrom(timeoutMs: number | undefined): bigint {
  if (timeoutMs === undefined || !Number.isFinite(timeoutMs)) return 0n;
  return BigInt(Math.ceil(timeoutMs * 1e6));
}
