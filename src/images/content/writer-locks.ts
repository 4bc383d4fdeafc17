// One writer at a time for each unfinished write, known by the path of its file.
import { poll } from '../../base/deadline.js';
import { BerthError } from '../../domain/errors.js';

/** A client that lost its connection may be back before we notice; containerd waits about as long. */
const lockWaitMs = 500;
const lockPollMs = 10;

export type Release = () => void;

export class WriterLocks {
  readonly #since = new Map<string, Date>();

  /** Resolves with what releases the lock; `unavailable` when another writer keeps it. */
  async acquire(path: string, ref: string): Promise<Release> {
    const timing = { limitMs: lockWaitMs, intervalMs: lockPollMs, what: `the lock of ref ${ref}` };
    return await poll(() => this.tryAcquire(path), timing).catch((cause: unknown) => {
      const since = this.#since.get(path)?.toISOString() ?? 'a moment ago';
      throw new BerthError('unavailable', `ref ${ref} is locked by another writer since ${since}`, { cause });
    });
  }

  /** Undefined when somebody has it. */
  tryAcquire(path: string): Release | undefined {
    if (this.#since.has(path)) return undefined;
    this.#since.set(path, new Date());
    return () => this.#since.delete(path);
  }

  isHeld(path: string): boolean {
    return this.#since.has(path);
  }
}
