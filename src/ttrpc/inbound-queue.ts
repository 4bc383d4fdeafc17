// The messages of one stream on their way to whoever iterates them, bounded by the gate of their connection.
import { hardQueue, softQueue } from './limits.js';
import type { Pressure, ReadGate } from './read-gate.js';

export interface InboundQueueOptions<T> {
  /** Called as a message is taken, so that what nobody takes is never decoded. What it throws ends the stream. */
  readonly decode: (payload: Uint8Array) => T;
  readonly gate: ReadGate;
  readonly stallTimeoutMs: number;
  /** The queue has been full for the time limit and nothing was taken: the stream is to be failed. */
  readonly onStall: () => void;
  /** The consumer wants no more: it left its loop, or a message could not be decoded. */
  readonly onReturn: () => void;
}

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

type End = { readonly error: unknown } | { readonly error?: never };

export class InboundQueue<T> implements AsyncIterableIterator<T> {
  readonly #options: InboundQueueOptions<T>;
  readonly #payloads: Uint8Array[] = [];
  readonly #waiters: Waiter<T>[] = [];
  #bytes = 0;
  #pressure: Pressure = 'none';
  #stallTimer: NodeJS.Timeout | undefined;
  #end: End | undefined;

  constructor(options: InboundQueueOptions<T>) {
    this.#options = options;
  }

  push(payload: Uint8Array): void {
    if (this.#end !== undefined) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      this.#deliver(payload, waiter);
      return;
    }
    this.#payloads.push(payload);
    this.#bytes += payload.length;
    this.#updatePressure();
  }

  /** Nothing follows what is queued. */
  end(): void {
    this.#finish({});
  }

  /** The error comes after what is queued. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** The error comes at once. */
  abort(error: unknown): void {
    this.#drop();
    this.#finish({ error });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      const payload = this.#payloads.shift();
      if (payload !== undefined) {
        this.#bytes -= payload.length;
        this.#stallTimer?.refresh();
        this.#updatePressure();
        this.#deliver(payload, { resolve, reject });
      } else if (this.#end === undefined) {
        this.#waiters.push({ resolve, reject });
      } else {
        this.#settle({ resolve, reject }, this.#end);
      }
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#drop();
    this.#finish({});
    this.#options.onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #deliver(payload: Uint8Array, waiter: Waiter<T>): void {
    let value: T;
    try {
      value = this.#options.decode(payload);
    } catch (error) {
      waiter.reject(error);
      this.#drop();
      this.#finish({});
      this.#options.onReturn();
      return;
    }
    waiter.resolve({ done: false, value });
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#updatePressure();
    for (const waiter of this.#waiters.splice(0)) this.#settle(waiter, end);
  }

  /** An error is thrown once; a consumer that asks again finds the end. */
  #settle(waiter: Waiter<T>, end: End): void {
    if (!('error' in end)) {
      waiter.resolve({ done: true, value: undefined });
      return;
    }
    this.#end = {};
    waiter.reject(end.error);
  }

  #drop(): void {
    this.#payloads.length = 0;
    this.#bytes = 0;
  }

  #updatePressure(): void {
    const pressure = this.#end === undefined ? this.#measure() : 'none';
    if (pressure === this.#pressure) return;
    if (pressure === 'none') {
      clearTimeout(this.#stallTimer);
      this.#stallTimer = undefined;
    } else {
      this.#stallTimer ??= setTimeout(this.#options.onStall, this.#options.stallTimeoutMs);
    }
    this.#pressure = pressure;
    this.#options.gate.hold(this, pressure);
  }

  /** Once full it stays so until half is taken, or every message taken would start and stop the socket. */
  #measure(): Pressure {
    const frames = this.#payloads.length;
    if (frames >= hardQueue.frames || this.#bytes >= hardQueue.bytes) return 'hard';
    const share = this.#pressure === 'none' ? 1 : 2;
    return frames * share >= softQueue.frames || this.#bytes * share >= softQueue.bytes ? 'soft' : 'none';
  }
}
