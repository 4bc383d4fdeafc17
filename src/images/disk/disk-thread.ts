// One worker thread, seen from the main thread: gives it a job, takes the pieces and the outcome, and learns of its end.
import { Worker } from 'node:worker_threads';
import { Deferred } from '../../base/deferred.js';
import { armedFailpoint } from '../../base/failpoint.js';
import { messageOf } from '../../domain/errors.js';
import type { DiskJobName, DiskWorkerData, FromWorker, JobFailure, ToWorker } from './disk-job.js';

export interface RunOptions {
  /** Gives the job up; the promise then rejects with `cancelled`, once the thread has stopped working at it. */
  readonly signal?: AbortSignal;
  /** Takes pieces of output in order; the job waits for it, and ends with its failure. */
  readonly onPiece?: (piece: Uint8Array) => Promise<void>;
}

/** Megabytes of JavaScript objects: a job streams, so that more means a fault. */
const maxHeapMegabytes = 256;

type Outcome = { readonly result: unknown } | { readonly failure: JobFailure };

interface RunningJob {
  readonly outcome: Deferred<Outcome>;
  readonly onPiece: RunOptions['onPiece'];
  readonly cancel: () => void;
  /** Pieces are taken one after the other; rejects with the first failure to. */
  taken: Promise<void>;
}

export class DiskThread {
  readonly #worker = new Worker(new URL('./disk-worker.js', import.meta.url), {
    workerData: { failpoint: armedFailpoint() } satisfies DiskWorkerData,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
    // Jobs open files through libc and close them through Node, which would warn of every one.
    trackUnmanagedFds: false,
  });
  #job: RunningJob | undefined;
  #alive = true;

  constructor() {
    this.#worker.on('message', (message: FromWorker) => this.#onMessage(message));
    this.#worker.on('error', (error) => this.#onEnd(messageOf(error)));
    this.#worker.on('exit', () => this.#onEnd('the thread ended'));
    // A daemon that wants to end does not wait for idle threads.
    this.#worker.unref();
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** One job at a time. */
  async run(
    { name, parameters }: { readonly name: DiskJobName; readonly parameters: unknown },
    { signal, onPiece }: RunOptions,
  ): Promise<Outcome> {
    const cancelled = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const cancel = (): void => {
      Atomics.store(new Int32Array(cancelled), 0, 1);
    };
    const job = { outcome: new Deferred<Outcome>(), onPiece, cancel, taken: Promise.resolve() };
    this.#job = job;
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted === true) cancel();
    this.#worker.ref();
    this.#send({ type: 'job', name, parameters, cancelled });
    try {
      return await job.outcome.promise;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#job = undefined;
      this.#worker.unref();
    }
  }

  /** Gives up what is under way and ends the thread. */
  async stop(): Promise<void> {
    this.#alive = false;
    this.#job?.cancel();
    await this.#job?.outcome.promise.catch(() => undefined);
    await this.#worker.terminate();
  }

  #onMessage(message: FromWorker): void {
    const job = this.#job;
    if (job === undefined) return;
    switch (message.type) {
      case 'done':
        settle(job, { result: message.result });
        return;
      case 'failed':
        settle(job, { failure: message.failure });
        return;
      case 'piece':
        job.taken = job.taken.then(() => this.#take(job, message.piece));
        // Told when the job ends.
        job.taken.catch(() => undefined);
    }
  }

  async #take(job: RunningJob, piece: Uint8Array): Promise<void> {
    try {
      await job.onPiece?.(piece);
    } catch (error) {
      job.cancel();
      throw error;
    } finally {
      this.#send({ type: 'taken' });
    }
  }

  #onEnd(reason: string): void {
    this.#alive = false;
    const failure = { kind: undefined, message: `work on files was cut off: ${reason}`, stack: undefined };
    if (this.#job !== undefined) settle(this.#job, { failure });
  }

  #send(message: ToWorker): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    this.#worker.postMessage(message);
  }
}

function settle(job: RunningJob, outcome: Outcome): void {
  job.taken.then(
    () => job.outcome.resolve(outcome),
    (error: unknown) => job.outcome.reject(error),
  );
}
