// The shim's own half of the exit pipeline: a record is written to BUNDLE/exits, handed to berthd, which syncs it in its own
// records before it tells anybody, and synced here meanwhile; it is kept until berthd has acknowledged it.
import { closeSync, fdatasyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import {
  encodeJournalRecord,
  type JournaledExit,
  type JournaledOutOfMemory,
  type JournalRecord,
} from '../src/domain/exit-journal.js';
import { messageOf } from '../src/domain/errors.js';
import type { Log } from '../src/base/log.js';

/** Once everything in a file this long is acknowledged, it starts again from nothing. */
const compactBytes = 256 * 1024;

export class ExitJournal {
  readonly #path: string;
  #fd: number | undefined;
  readonly #log: Log;
  #bytes = 0;
  #sequence = 0n;
  #acknowledged = 0n;
  /** Not acknowledged yet, in order. */
  readonly #pending: JournalRecord[] = [];
  readonly #followers = new Set<() => void>();
  /** To be called once what was written up to now is synced; empty while all is. */
  #unsynced: (() => void)[] = [];
  #onSynced: () => void = () => undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Makes its file, where there is time for that; else the first record does. */
  open(): number {
    return (this.#fd ??= openSync(this.#path, 'a', 0o600));
  }

  /**
   * Gives the records their numbers and returns once they are written, so that they outlive this process; followers are
   * woken. They are synced in the next turn of the event loop, and then `told`, for whom only that counts, is called.
   */
  append(
    drafts: readonly (Omit<JournaledExit, 'sequence'> | Omit<JournaledOutOfMemory, 'sequence'>)[],
    told: () => void = () => undefined,
  ): void {
    const records = drafts.map((draft) => ({ ...draft, sequence: ++this.#sequence }));
    this.#try((fd) => (this.#bytes += writeSync(fd, records.map(encodeJournalRecord).join(''))));
    this.#pending.push(...records);
    // By then the followers' messages are on their way.
    if (this.#unsynced.push(told) === 1) setImmediate(() => this.sync());
    for (const wake of this.#followers) wake();
  }

  /** The client has committed everything up to `sequence`. */
  acknowledge(sequence: bigint): void {
    if (sequence <= this.#acknowledged) return;
    this.#acknowledged = sequence < this.#sequence ? sequence : this.#sequence;
    this.#pending.splice(0, this.#indexAfter(this.#acknowledged));
    if (this.#pending.length === 0 && this.#bytes > compactBytes) {
      if (this.#fd !== undefined) ftruncateSync(this.#fd);
      this.#bytes = 0;
    }
  }

  /** Calls `listener` whenever records have been synced. */
  onSynced(listener: () => void): void {
    this.#onSynced = listener;
  }

  /** For whoever keeps no records of his own, before he looks after them. */
  sync(): void {
    const waiting = this.#unsynced.splice(0);
    if (waiting.length === 0) return;
    this.#try((fd) => fdatasyncSync(fd));
    for (const told of waiting) told();
    this.#onSynced();
  }

  /** The kept records after `cursor`. */
  after(cursor: bigint): JournalRecord[] {
    return this.#pending.slice(this.#indexAfter(cursor));
  }

  /** Every kept record after `after`, synced or not, then new ones as they come, until `signal` aborts. */
  async *follow(after: bigint, signal: AbortSignal): AsyncGenerator<JournalRecord> {
    let cursor = after;
    while (!signal.aborted) {
      const next = this.#pending[this.#indexAfter(cursor)];
      if (next === undefined) {
        await this.#appended(signal);
      } else {
        cursor = next.sequence;
        yield next;
      }
    }
  }

  close(): void {
    this.sync();
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  /** Where the first record after `sequence` lies in `#pending`, since numbers have no gaps. */
  #indexAfter(sequence: bigint): number {
    const first = this.#pending[0]?.sequence ?? 0n;
    return sequence < first ? 0 : Number(sequence - first) + 1;
  }

  #try(write: (fd: number) => void): void {
    try {
      write(this.open());
    } catch (error) {
      // A full disk must not keep an exit from being told; berthd makes it durable in its own store.
      this.#log.error('the exit journal could not be written', { error: messageOf(error) });
    }
  }

  #appended(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#followers.delete(finish);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      this.#followers.add(finish);
      signal.addEventListener('abort', finish);
    });
  }
}
