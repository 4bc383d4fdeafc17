// How far a transfer is, blob by blob. Whoever watches gets the newest of each, not every change: what is kept for a slow
// watcher is bounded by the number of blobs.
import { setTimeout as sleep } from 'node:timers/promises';
import { Deferred } from '../../base/deferred.js';
import type { Descriptor } from '../../domain/image-records.js';

export type BlobState = 'waiting' | 'transferring' | 'done' | 'exists' | 'unpacking' | 'unpacked';

export interface BlobProgress {
  readonly digest: string;
  readonly mediaType: string;
  readonly state: BlobState;
  /** Bytes. */
  readonly offset: number;
  readonly total: number;
}

/** Between two reports, but for the last. */
const intervalMs = 100;

export class TransferProgress {
  readonly #blobs = new Map<string, BlobProgress>();
  readonly #changed = new Set<string>();
  readonly #end = new Deferred<void>();
  #isOver = false;
  #change = new Deferred<void>();

  update({ digest, mediaType, size }: Descriptor, state: BlobState, offset?: number): void {
    const known = this.#blobs.get(digest)?.offset ?? 0;
    const isWhole = state !== 'waiting' && state !== 'transferring';
    this.#blobs.set(digest, { digest, mediaType, state, offset: offset ?? (isWhole ? size : known), total: size });
    this.#changed.add(digest);
    this.#change.resolve();
  }

  /** Reports end with the transfer, whose promise it returns: a failure comes out of that alone. */
  endWith<T>(transfer: Promise<T>): Promise<T> {
    const end = (): void => {
      this.#isOver = true;
      this.#end.resolve();
    };
    transfer.then(end, end);
    return transfer;
  }

  /** Until the transfer ends, what has changed since the report before. */
  async *reports(): AsyncGenerator<readonly BlobProgress[], void, undefined> {
    while (!this.#isOver) {
      await Promise.race([this.#change.promise, this.#end.promise]);
      this.#change = new Deferred();
      const changed = [...this.#changed].flatMap((digest) => this.#blobs.get(digest) ?? []);
      this.#changed.clear();
      if (changed.length > 0) yield changed;
      await Promise.race([sleep(intervalMs), this.#end.promise]);
    }
    yield [...this.#changed].flatMap((digest) => this.#blobs.get(digest) ?? []);
  }
}
