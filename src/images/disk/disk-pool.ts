// A bounded number of threads for work on many files, so that the main thread goes on answering. Threads start when
// there is work, and end when there has been none for a while.
import { BerthError, type ErrorKind } from '../../domain/errors.js';
import type { DiskJobName, JobFailure, ParametersOf, ResultOf } from './disk-job.js';
import { DiskThread, type RunOptions } from './disk-thread.js';

/** Keeps a burst of requests from starting threads again and again. */
const idleLimitMs = 10_000;
/** Jobs that wait; beyond it callers are refused rather than kept for hours. */
const maxWaitingJobs = 1000;

interface WaitingJob {
  readonly start: (thread: DiskThread) => void;
  readonly refuse: (error: BerthError) => void;
}

export class DiskPool {
  readonly #maxThreads: number;
  readonly #idle: DiskThread[] = [];
  readonly #busy = new Set<DiskThread>();
  readonly #timers = new Map<DiskThread, NodeJS.Timeout>();
  #waiting: WaitingJob[] = [];
  #closed = false;

  constructor(options: { readonly maxThreads: number }) {
    this.#maxThreads = options.maxThreads;
  }

  /** Runs the job on the next free thread. */
  async run<N extends DiskJobName>(
    name: N,
    parameters: ParametersOf<N>,
    options: RunOptions = {},
  ): Promise<ResultOf<N>> {
    const thread = await this.#acquire(options.signal);
    let succeeded = false;
    try {
      const outcome = await thread.run({ name, parameters }, options);
      if ('failure' in outcome) throw errorFrom(outcome.failure);
      succeeded = true;
      return outcome.result as ResultOf<N>;
    } finally {
      // What a failed job left half-done, such as a decoder's memory, goes with its thread.
      if (!succeeded) void thread.stop();
      this.#release(thread);
    }
  }

  /** No job starts any more; those under way are given up. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const job of this.#waiting.splice(0)) job.refuse(stopping());
    await Promise.all([...this.#idle, ...this.#busy].map((thread) => thread.stop()));
  }

  async #acquire(signal: AbortSignal | undefined): Promise<DiskThread> {
    if (this.#closed) throw stopping();
    if (signal?.aborted === true) throw new BerthError('cancelled', 'the work was given up');
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      clearTimeout(this.#timers.get(idle));
      this.#busy.add(idle);
      return idle;
    }
    if (this.#busy.size < this.#maxThreads) return this.#newThread();
    if (this.#waiting.length >= maxWaitingJobs) {
      throw new BerthError('resource-exhausted', `${maxWaitingJobs} jobs on files are waiting already`);
    }
    return await this.#turn(signal);
  }

  #turn(signal: AbortSignal | undefined): Promise<DiskThread> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== job);
        reject(new BerthError('cancelled', 'the work was given up'));
      };
      const job: WaitingJob = {
        start: (thread) => {
          signal?.removeEventListener('abort', giveUp);
          resolve(thread);
        },
        refuse: (error) => {
          signal?.removeEventListener('abort', giveUp);
          reject(error);
        },
      };
      this.#waiting.push(job);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #newThread(): DiskThread {
    const thread = new DiskThread();
    this.#busy.add(thread);
    return thread;
  }

  #release(thread: DiskThread): void {
    const next = this.#waiting.shift();
    if (next !== undefined && thread.alive) {
      next.start(thread);
      return;
    }
    this.#busy.delete(thread);
    if (next !== undefined) {
      next.start(this.#newThread());
    } else if (thread.alive && !this.#closed) {
      this.#idle.push(thread);
      this.#timers.set(thread, setTimeout(() => this.#retire(thread), idleLimitMs).unref());
    }
  }

  #retire(thread: DiskThread): void {
    this.#timers.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index < 0) return;
    this.#idle.splice(index, 1);
    void thread.stop();
  }
}

function stopping(): BerthError {
  return new BerthError('unavailable', 'the daemon is stopping');
}

function errorFrom({ kind, message, stack }: JobFailure): Error {
  if (kind !== undefined) return new BerthError(kind as ErrorKind, message);
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
