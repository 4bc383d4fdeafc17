// The only writer: state and the events that tell of it go to the disk in one synced batch. What comes while a batch is
// being written forms the next one, so that many small commits share an fsync.
import { failpoint } from '../base/failpoint.js';
import { BerthError, messageOf } from '../domain/errors.js';
import type { EventDraft, EventRecord } from '../domain/records.js';
import type { Change, Database } from './database.js';
import type { Journal } from './journal.js';

interface Commit {
  readonly changes: readonly Change[];
  readonly drafts: readonly EventDraft[];
  readonly resolve: (events: EventRecord[]) => void;
  readonly reject: (error: BerthError) => void;
}

export class Committer {
  readonly #database: Database;
  readonly #journal: Journal;
  #waiting: Commit[] = [];
  #writing: Promise<void> | undefined;

  constructor(database: Database, journal: Journal) {
    this.#database = database;
    this.#journal = journal;
  }

  /** Resolves when everything is on the disk and published; `unavailable` when it could not be written, and then none is. */
  commit(changes: readonly Change[], drafts: readonly EventDraft[] = []): Promise<EventRecord[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, drafts, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      await this.#writeGroup(group);
    }
    this.#writing = undefined;
  }

  async #writeGroup(group: readonly Commit[]): Promise<void> {
    try {
      const { events, changes } = this.#journal.prepare(group.flatMap((commit) => commit.drafts));
      const trimmed = await this.#journal.trim(events.length);
      failpoint('commit-before-write');
      await this.#database.write([...group.flatMap((commit) => commit.changes), ...changes, ...trimmed.changes]);
      failpoint('commit-after-write');
      this.#journal.publish(events, trimmed.first);
      let offset = 0;
      for (const commit of group) {
        commit.resolve(events.slice(offset, offset + commit.drafts.length));
        offset += commit.drafts.length;
      }
    } catch (error) {
      const failure = new BerthError('unavailable', `cannot write records: ${messageOf(error)}`, { cause: error });
      for (const commit of group) commit.reject(failure);
    }
  }
}
