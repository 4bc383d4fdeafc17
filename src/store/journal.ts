// The event journal: numbers without gaps, readable from any cursor, bounded by retention. Readers that are up to date
// are served from memory, others from LevelDB, so that a slow one neither blocks nor loses.
import { BerthError } from '../domain/errors.js';
import type { EventDraft, EventRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { decodeRecord, encodeRecord } from './codec.js';
import type { Change, Database, Sublevel } from './database.js';
import { RecentEvents } from './recent-events.js';

/** Numbers that are not kept any more and that a reader asked for, both ends included. */
export interface JournalGap {
  readonly firstMissing: bigint;
  readonly lastMissing: bigint;
}

/** What the journal keeps; whichever bound is reached first drops the oldest events. */
export interface Retention {
  readonly events: number;
  readonly bytes: number;
  readonly seconds: number;
}

export type JournalItem = { readonly event: EventRecord } | { readonly gap: JournalGap };

/** Events read from LevelDB in one go by a reader that is behind, and the length of their records, which ends it sooner. */
const readBatchEvents = 256;
const readBatchChars = 4 * 1024 * 1024;
/** Retention removes this many events beyond its bound at a time, so that not every commit pays for it. */
const trimSlackEvents = 1000n;
/** How often age and size are looked at, on the occasion of a commit. */
const sweepIntervalMs = 60_000;
const nanosPerSecond = 1_000_000_000n;

export class Journal {
  readonly #level: Sublevel;
  readonly #keep: Retention;
  #nextSweepMs = 0;
  readonly #recent = new RecentEvents();
  #wakers = new Set<() => void>();
  #first = 1n;
  #last = 0n;

  private constructor(level: Sublevel, keep: Retention) {
    this.#level = level;
    this.#keep = keep;
  }

  static async open(database: Database, keep: Retention): Promise<Journal> {
    const journal = new Journal(database.keyspace('journal'), keep);
    for await (const key of journal.#level.keys({ reverse: true, limit: 1 })) journal.#last = numberFromKey(key);
    journal.#first = journal.#last + 1n;
    for await (const key of journal.#level.keys({ limit: 1 })) journal.#first = numberFromKey(key);
    return journal;
  }

  /** The first number kept and the last one given; `last` < `first` when nothing is kept. */
  head(): { readonly first: bigint; readonly last: bigint } {
    return { first: this.#first, last: this.#last };
  }

  /** Numbers the drafts and makes their changes. Committed and published by the committer alone, one batch at a time. */
  prepare(drafts: readonly EventDraft[]): { readonly events: EventRecord[]; readonly changes: Change[] } {
    const events = drafts.map((draft, index) => ({ ...draft, number: this.#last + 1n + BigInt(index) }));
    const changes = events.map(
      (event): Change => ({
        type: 'put',
        sublevel: this.#level,
        key: keyFromNumber(event.number),
        value: encodeRecord(event),
      }),
    );
    return { events, changes };
  }

  /** Changes that retention asks for once `adding` events more are there; none most of the time. */
  async trim(adding: number): Promise<{ readonly changes: Change[]; readonly first: bigint }> {
    const keepFrom = await this.#firstToKeep(BigInt(adding));
    const changes: Change[] = [];
    if (keepFrom === this.#first) return { changes, first: keepFrom };
    for await (const key of this.#level.keys({ lt: keyFromNumber(keepFrom) })) {
      changes.push({ type: 'del', sublevel: this.#level, key });
    }
    return { changes, first: keepFrom };
  }

  async #firstToKeep(adding: bigint): Promise<bigint> {
    const byCount = this.#last + adding - BigInt(this.#keep.events) + 1n;
    if (byCount >= this.#first + trimSlackEvents) return byCount;
    const now = performance.now();
    if (now < this.#nextSweepMs) return this.#first;
    this.#nextSweepMs = now + sweepIntervalMs;
    return this.#firstByAgeAndSize();
  }

  /** The newest event always stays: numbers go on from it. */
  async #firstByAgeAndSize(): Promise<bigint> {
    const oldest = nowNanos() - BigInt(this.#keep.seconds) * nanosPerSecond;
    let bytes = 0;
    for await (const [key, text] of this.#level.iterator({ reverse: true })) {
      bytes += text.length;
      const number = numberFromKey(key);
      const { timestamp } = decodeRecord(text) as EventRecord;
      if (number < this.#last && (timestamp < oldest || bytes > this.#keep.bytes)) return number + 1n;
    }
    return this.#first;
  }

  /** The batch with `events` is on the disk: followers may have them. */
  publish(events: readonly EventRecord[], first: bigint): void {
    const last = events.at(-1);
    this.#first = first;
    if (last === undefined) return;
    this.#last = last.number;
    this.#recent.add(events);
    const wakers = this.#wakers;
    this.#wakers = new Set();
    for (const wake of wakers) wake();
  }

  /** Everything after `after`, then, with `follow`, what comes until `signal` aborts. */
  async *read(
    after: bigint,
    options: { readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<JournalItem, void, undefined> {
    if (after > this.#last) {
      throw new BerthError('out-of-range', `cursor ${after} lies beyond the journal's last number ${this.#last}`);
    }
    let cursor = after;
    while (!options.signal.aborted) {
      if (cursor >= this.#last) {
        if (!options.follow) return;
        await this.#nextPublish(options.signal);
        continue;
      }
      if (cursor + 1n < this.#first) {
        yield { gap: { firstMissing: cursor + 1n, lastMissing: this.#first - 1n } };
        cursor = this.#first - 1n;
        continue;
      }
      for (const event of await this.#batchAfter(cursor)) {
        if (event.number !== cursor + 1n) {
          // Retention has passed us while the consumer held us up, which the loop's head tells; or the disk has lost some.
          if (cursor + 1n >= this.#first) {
            yield { gap: { firstMissing: cursor + 1n, lastMissing: event.number - 1n } };
            cursor = event.number - 1n;
          }
          break;
        }
        cursor = event.number;
        yield { event };
      }
    }
  }

  async #batchAfter(cursor: bigint): Promise<readonly EventRecord[]> {
    const recent = this.#recent.after(cursor);
    if (recent !== undefined) return recent;
    const events: EventRecord[] = [];
    let chars = 0;
    for await (const text of this.#level.values({ gt: keyFromNumber(cursor), limit: readBatchEvents })) {
      events.push(decodeRecord(text) as EventRecord);
      chars += text.length;
      if (chars > readBatchChars) break;
    }
    return events;
  }

  #nextPublish(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#wakers.delete(wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

/** Digits of the largest 64-bit number in hexadecimal, so that keys sort as numbers do. */
const keyDigits = 16;

function keyFromNumber(number: bigint): string {
  return number.toString(16).padStart(keyDigits, '0');
}

function numberFromKey(key: string): bigint {
  return BigInt(`0x${key}`);
}
