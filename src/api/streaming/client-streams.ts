// Streams that clients have opened, for the calls that name them: a call takes a stream, and has it to itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { Deferred } from '../../base/deferred.js';
import { BerthError } from '../../domain/errors.js';
import type { Any } from '../../generated/google/protobuf/any.js';

/** Open at once and not taken yet; a transfer has four at most. */
const maxWaiting = 1024;

/** A client that goes away ends what it sends first, and is known to have gone a few turns later. */
const resetFollowsEndMs = 10;

interface Outgoing {
  readonly message: Any;
  readonly sent: Deferred<void>;
}

export class ClientStream {
  readonly #incoming: AsyncIterator<Any>;
  readonly #signal: AbortSignal;
  readonly #outgoing: Outgoing[] = [];
  #change = new Deferred<void>();
  #isClosed = false;
  #interrupt: (() => void) | undefined;

  /** `signal` aborts when the client goes away, and when the daemon stops. */
  constructor(incoming: AsyncIterator<Any>, signal: AbortSignal) {
    this.#incoming = incoming;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** The client's next message; undefined when it has no more. One caller at a time. Throws `cancelled` when the client has gone away. */
  async receive(): Promise<Any | undefined> {
    const next = await this.#next();
    if (next.done === true && !this.#signal.aborted) await sleep(resetFollowsEndMs);
    if (this.#signal.aborted) throw gone();
    return next.done === true ? undefined : next.value;
  }

  /** Resolves once the client has room for more. Throws `cancelled` when it has gone away, or the stream is closed. */
  async send(message: Any): Promise<void> {
    if (this.#isClosed) throw gone();
    const sent = new Deferred<void>();
    this.#outgoing.push({ message, sent });
    this.#change.resolve();
    await sent.promise;
  }

  #next(): Promise<IteratorResult<Any>> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) reject(gone());
      this.#interrupt = () => reject(gone());
      this.#incoming.next().then(resolve, reject);
    });
  }

  /** The client is told that nothing more comes; who waits for a message of it, or to send one, gets `cancelled`. */
  close(): void {
    this.#isClosed = true;
    this.#interrupt?.();
    this.#change.resolve();
    for (const { sent } of this.#outgoing.splice(0)) sent.reject(gone());
  }

  /** What is sent, for whoever answers the client, until the stream is closed. */
  async *sent(): AsyncGenerator<Any, void, undefined> {
    for (;;) {
      const next = this.#outgoing.shift();
      if (next !== undefined) {
        yield* this.#sentOne(next);
      } else if (this.#isClosed) return;
      else {
        await this.#change.promise;
        this.#change = new Deferred();
      }
    }
  }

  *#sentOne({ message, sent }: Outgoing): Generator<Any, void, undefined> {
    let isSent = false;
    try {
      yield message;
      isSent = true;
    } finally {
      if (isSent) sent.resolve();
      else sent.reject(gone());
    }
  }
}

export class ClientStreams {
  readonly #waiting = new Map<string, ClientStream>();

  /** Throws `already-exists`, and `resource-exhausted` where too many wait to be taken. */
  add(namespace: string, id: string, stream: ClientStream): void {
    const key = keyOf(namespace, id);
    if (id === '') throw new BerthError('invalid-argument', 'a stream must have an id');
    if (this.#waiting.has(key)) throw new BerthError('already-exists', `stream ${id}: already exists`);
    if (this.#waiting.size >= maxWaiting) {
      throw new BerthError('resource-exhausted', `more than ${maxWaiting} streams wait for a call that names them`);
    }
    this.#waiting.set(key, stream);
  }

  /** It is over, whether it was taken or not. */
  remove(namespace: string, id: string, stream: ClientStream): void {
    const key = keyOf(namespace, id);
    if (this.#waiting.get(key) === stream) this.#waiting.delete(key);
  }

  /** For whoever closes it in the end. Throws `not-found`. */
  take(namespace: string, id: string): ClientStream {
    const key = keyOf(namespace, id);
    const stream = this.#waiting.get(key);
    if (stream === undefined) throw new BerthError('not-found', `stream ${id}: not found`);
    this.#waiting.delete(key);
    return stream;
  }
}

function keyOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}

function gone(): BerthError {
  return new BerthError('cancelled', 'the stream has ended');
}
