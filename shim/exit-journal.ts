// The shim's own half of the exit pipeline: a record is written to BUNDLE/exits and synced, and only then told; it is
// kept until the daemon has acknowledged it.
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
  readonly #fd: number;
  readonly #log: Log;
  #bytes = 0;
  #sequence = 0n;
  #acknowledged = 0n;
  /** Not acknowledged yet, in order. */
  readonly #pending: JournalRecord[] = [];
  readonly #followers = new Set<() => void>();

  constructor(path: string, log: Log) {
    this.#fd = openSync(path, 'a', 0o600);
    this.#log = log;
  }

  /** Gives the records their numbers and returns once they are on disk; then followers are woken. */
  append(drafts: readonly (Omit<JournaledExit, 'sequence'> | Omit<JournaledOutOfMemory, 'sequence'>)[]): void {
    const records = drafts.map((draft) => ({ ...draft, sequence: ++this.#sequence }));
    this.#write(records.map(encodeJournalRecord).join(''));
    this.#pending.push(...records);
    for (const wake of this.#followers) wake();
  }

  /** The client has committed everything up to `sequence`. */
  acknowledge(sequence: bigint): void {
    if (sequence <= this.#acknowledged) return;
    this.#acknowledged = sequence < this.#sequence ? sequence : this.#sequence;
    this.#pending.splice(0, this.#indexAfter(this.#acknowledged));
    if (this.#pending.length === 0 && this.#bytes > compactBytes) {
      ftruncateSync(this.#fd);
      this.#bytes = 0;
    }
  }

  /** Calls `listener` after each append. */
  onAppended(listener: () => void): void {
    this.#followers.add(listener);
  }

  /** The kept records after `cursor`. */
  after(cursor: bigint): JournalRecord[] {
    return this.#pending.slice(this.#indexAfter(cursor));
  }

  /** Every kept record after `after`, then new ones as they come, until `signal` aborts. */
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
    closeSync(this.#fd);
  }

  /** Where the first record after `sequence` lies in `#pending`, since numbers have no gaps. */
  #indexAfter(sequence: bigint): number {
    const first = this.#pending[0]?.sequence ?? 0n;
    return sequence < first ? 0 : Number(sequence - first) + 1;
  }

  #write(lines: string): void {
    try {
      this.#bytes += writeSync(this.#fd, lines);
      fdatasyncSync(this.#fd);
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
