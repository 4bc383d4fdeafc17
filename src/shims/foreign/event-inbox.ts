// What a foreign shim has told of one container and nobody has taken in yet, in order. Whoever told it is answered once it is
// committed, so that a shim may send again what was not.
import { Deferred } from '../../base/deferred.js';
import { BerthError } from '../../domain/errors.js';
import { type ContainerKey, keyString } from '../../domain/ids.js';
import type { ProcessExit } from '../../generated/berth/shim/v1/shim.js';
import type { Timestamp } from '../../generated/google/protobuf/timestamp.js';

/** Far above what one container has at once; a shim whose event is refused sends it again. */
const maxWaiting = 1024;

export type ForeignEvent =
  | { readonly kind: 'exit'; readonly time: Timestamp | undefined; readonly exit: ProcessExit }
  | { readonly kind: 'oom'; readonly time: Timestamp | undefined; readonly containerId: string };

export interface Delivery {
  readonly event: ForeignEvent;
  readonly taken: Deferred<void>;
}

export class EventInbox implements AsyncIterable<Delivery> {
  readonly #waiting: Delivery[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  /** Resolves when the event is committed; rejects when that failed, or nobody takes it in any more. */
  deliver(event: ForeignEvent): Promise<void> {
    if (this.#closed) return Promise.reject(gone());
    if (this.#waiting.length >= maxWaiting) {
      return Promise.reject(new BerthError('resource-exhausted', `${maxWaiting} events of the container wait already`));
    }
    const delivery = { event, taken: new Deferred<void>() };
    this.#waiting.push(delivery);
    this.#wake();
    return delivery.taken.promise;
  }

  /** What waits is still taken out; nothing comes in any more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** What waits is given up too. */
  abandon(): void {
    this.close();
    for (const { taken } of this.#waiting.splice(0)) taken.reject(gone());
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery, void, undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** The inboxes of all containers that foreign shims serve now. */
export class EventInboxes {
  readonly #inboxes = new Map<string, { readonly shimId: string; readonly inbox: EventInbox }>();

  open(key: ContainerKey, shimId: string): EventInbox {
    const inbox = new EventInbox();
    this.#inboxes.get(keyString(key))?.inbox.abandon();
    this.#inboxes.set(keyString(key), { shimId, inbox });
    return inbox;
  }

  find(key: ContainerKey): EventInbox | undefined {
    return this.#inboxes.get(keyString(key))?.inbox;
  }

  remove(key: ContainerKey, inbox: EventInbox): void {
    inbox.abandon();
    if (this.find(key) === inbox) this.#inboxes.delete(keyString(key));
  }

  /** Whether the shim serves another container than this one. */
  isShared(shimId: string, key: ContainerKey): boolean {
    for (const [name, entry] of this.#inboxes) if (entry.shimId === shimId && name !== keyString(key)) return true;
    return false;
  }
}

function gone(): BerthError {
  return new BerthError('unavailable', 'the connection to the shim has ended: send it again');
}
