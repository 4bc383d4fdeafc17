// Sends events to containerd, in order and one at a time, for as long as it takes: containerd may be away and come back.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../src/base/log.js';
import { isBerthError, messageOf } from '../../src/domain/errors.js';
import { nowNanos } from '../../src/domain/time.js';
import type { Envelope } from '../../src/generated/containerd/types/event.js';
import { EventsDefinition } from '../../src/generated/containerd/services/events/ttrpc/v1/events.js';
import { dialTtrpc, type TtrpcConnection } from '../../src/ttrpc/client.js';
import { timestampFromNanos } from '../wire.js';
import type { TaskEvent } from './task-event.js';

/** As long as containerd's own shim waits. */
const publishTimeoutMs = 5000;
const minRetryPauseMs = 50;
const maxRetryPauseMs = 2000;
/** Without containerd no calls come, and so hardly any events; this is for one that takes calls and no events. */
export const maxQueuedEvents = 2048;

interface Queued {
  readonly envelope: Envelope;
  readonly onSent: (() => void) | undefined;
}

export interface PublisherOptions {
  /** containerd's ttrpc socket. */
  readonly address: string;
  readonly namespace: string;
  readonly log: Log;
}

export class EventPublisher {
  readonly #options: PublisherOptions;
  readonly #queue: Queued[] = [];
  #connection: TtrpcConnection | undefined;
  #sending = false;
  #dropped = 0;
  #onIdle: (() => void)[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** An event with `onSent`, an exit, is never dropped; of the others the newest are, where too many wait. */
  push({ topic, event, at }: TaskEvent, onSent?: () => void): void {
    if (onSent === undefined && this.#queue.length >= maxQueuedEvents) {
      if (this.#dropped++ === 0)
        this.#options.log.error('containerd takes no events: they are being dropped', { topic });
      return;
    }
    const { namespace } = this.#options;
    this.#queue.push({
      envelope: { timestamp: timestampFromNanos(at ?? nowNanos()), namespace, topic, event },
      onSent,
    });
    if (!this.#sending) void this.#sendAll();
  }

  /** Resolves once everything is sent, or after `limitMs` without that. */
  async drain(limitMs: number): Promise<void> {
    if (!this.#sending) return;
    const idle = new Promise<void>((resolve) => this.#onIdle.push(resolve));
    await Promise.race([idle, sleep(limitMs)]);
    if (this.#queue.length > 0) this.#options.log.error('events were not sent', { events: this.#queue.length });
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    let pauseMs = minRetryPauseMs;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (await this.#sent(next.envelope)) {
        this.#queue.shift();
        next.onSent?.();
        pauseMs = minRetryPauseMs;
      } else {
        await sleep(pauseMs);
        pauseMs = Math.min(pauseMs * 2, maxRetryPauseMs);
      }
    }
    this.#sending = false;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Whether it needs no further attempt. */
  async #sent(envelope: Envelope): Promise<boolean> {
    const { topic } = envelope;
    try {
      const connection = await this.#connect();
      await connection.client(EventsDefinition).forward({ envelope }, { timeoutMs: publishTimeoutMs });
      return true;
    } catch (error) {
      // What containerd refuses for what it is would be refused for ever, and hold up all that follow.
      if (isBerthError(error, 'invalid-argument')) {
        this.#options.log.error('containerd refuses an event', { topic, error: messageOf(error) });
        return true;
      }
      this.#options.log.debug('an event could not be sent yet', { topic, error: messageOf(error) });
      await this.#disconnect();
      return false;
    }
  }

  async #connect(): Promise<TtrpcConnection> {
    if (this.#connection !== undefined) return this.#connection;
    const connection = await dialTtrpc(this.#options.address, { timeoutMs: publishTimeoutMs });
    this.#connection = connection;
    void connection.closed.then(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }
}
