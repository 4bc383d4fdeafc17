// The ingest thread, seen from the main thread: started with the first write, started again should it ever die.
import { Worker } from 'node:worker_threads';
import { armedFailpoint } from '../../base/failpoint.js';
import { Deferred } from '../../base/deferred.js';
import { BerthError, messageOf } from '../../domain/errors.js';
import type {
  IngestRequest,
  IngestResult,
  IngestThreadData,
  NumberedReply,
  NumberedRequest,
} from './ingest-messages.js';

export class IngestThread {
  #worker: Worker | undefined;
  #waiting = new Map<number, Deferred<IngestResult>>();
  #lastCall = 0;
  #lastFile = 0;
  #stopped = false;

  /** For a file to be known by. */
  nextFile(): number {
    this.#lastFile++;
    return this.#lastFile;
  }

  /** `transfer`: memory that is the thread's from now on. */
  async ask(request: IngestRequest, transfer: readonly ArrayBuffer[] = []): Promise<IngestResult> {
    if (this.#stopped) throw new BerthError('unavailable', 'the daemon is stopping');
    this.#worker ??= this.#start();
    this.#lastCall++;
    const message: NumberedRequest = { call: this.#lastCall, request };
    const reply = new Deferred<IngestResult>();
    this.#waiting.set(message.call, reply);
    this.#worker.ref();
    this.#worker.postMessage(message, [...transfer]);
    return await reply.promise;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const data: IngestThreadData = { failpoint: armedFailpoint() };
    const worker = new Worker(new URL('./ingest-worker.js', import.meta.url), { workerData: data });
    worker.on('message', ({ call, outcome }: NumberedReply) => this.#settle(call, outcome));
    worker.on('error', (error) => this.#onEnd(messageOf(error)));
    worker.on('exit', () => this.#onEnd('it ended'));
    return worker;
  }

  #settle(call: number, outcome: NumberedReply['outcome']): void {
    const reply = this.#waiting.get(call);
    this.#waiting.delete(call);
    // A program that wants to end waits for what was asked for, and not for the thread itself.
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('result' in outcome) reply?.resolve(outcome.result);
    else reply?.reject(new BerthError(outcome.failure.kind, `content cannot be written: ${outcome.failure.message}`));
  }

  #onEnd(reason: string): void {
    this.#worker = undefined;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    const error = new BerthError('unavailable', `content cannot be written: the ingest thread failed: ${reason}`);
    for (const reply of waiting.values()) reply.reject(error);
  }
}
