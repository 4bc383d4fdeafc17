// When garbage is collected: soon after something was removed, from time to time, and when somebody asks.
import { BerthError, messageOf } from '../../domain/errors.js';
import { type Collection, collectGarbage, type CollectionParts } from './collect-garbage.js';
import type { SnapshotSource } from './snapshot-source.js';

export interface GarbageOptions {
  /** From a removal to the collection it asks for, so that one collection serves many removals. */
  readonly delayMs: number;
  /** Between collections that nobody asks for: leases and writes expire. */
  readonly intervalMs: number;
}

/** Collections that removals ask for take at most this share of the time; containerd's pause threshold. */
const maxShare = 0.02;

export class GarbageCollector {
  readonly #parts: CollectionParts;
  readonly #options: GarbageOptions;
  readonly #sources: SnapshotSource[] = [];
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #running: Promise<Collection> | undefined;
  #next: Promise<Collection> | undefined;
  #state: 'new' | 'started' | 'stopped' = 'new';
  #lastEnd = 0;
  #lastDurationMs = 0;

  constructor(parts: CollectionParts, options: GarbageOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  addSnapshots(source: SnapshotSource): void {
    this.#sources.push(source);
  }

  /** The first collection comes soon: it removes what a crash left. */
  start(): void {
    this.#state = 'started';
    this.schedule();
  }

  /** Something that kept other things was removed: a collection follows. */
  schedule(): void {
    const restMs = this.#lastEnd + this.#lastDurationMs * (1 / maxShare - 1) - performance.now();
    this.#wakeIn(Math.min(Math.max(this.#options.delayMs, restMs), this.#options.intervalMs));
  }

  /** A whole collection that begins after this call. */
  async collect(): Promise<Collection> {
    if (this.#running === undefined) return await this.#begin();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return await this.#next;
  }

  /** No collection begins after this, and none is under way once it resolves. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    await this.#next?.catch(() => undefined);
    await this.#running?.catch(() => undefined);
  }

  #begin(): Promise<Collection> {
    if (this.#state === 'stopped') throw new BerthError('unavailable', 'the daemon is stopping');
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<Collection> {
    const start = performance.now();
    try {
      const collection = await collectGarbage(this.#parts, this.#sources);
      this.#parts.log.debug('garbage collected', { ...collection });
      return collection;
    } finally {
      this.#lastEnd = performance.now();
      this.#lastDurationMs = this.#lastEnd - start;
    }
  }

  #wakeIn(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (this.#state !== 'started' || at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => void this.#onTimer(), delayMs);
  }

  async #onTimer(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    await this.collect().catch((error: unknown) => {
      this.#parts.log.error('garbage could not be collected', { error, reason: messageOf(error) });
    });
    this.#wakeIn(this.#options.intervalMs);
  }
}
