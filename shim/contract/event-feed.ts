// Puts a task's events in the order that subscribers rely on: what calls did, and the exits of the journal, none of which
// goes ahead of the event that its process was made or started.
import type { JournalRecord } from '../../src/domain/exit-journal.js';
import type { ExitJournal } from '../exit-journal.js';
import type { EventPublisher } from './event-publisher.js';
import { eventOfRecord, type TaskEvent } from './task-event.js';

export class EventFeed {
  readonly #publisher: EventPublisher;
  readonly #journal: ExitJournal;
  /** Of the journal's records, the last that was handed on. */
  #cursor = 0n;
  /** Processes, init's name being empty, that a call is making or starting. */
  readonly #underWay = new Map<string, number>();

  constructor(publisher: EventPublisher, journal: ExitJournal) {
    this.#publisher = publisher;
    this.#journal = journal;
    journal.onSynced(() => this.#takeRecords());
  }

  /** Runs a call that makes or starts a process, and tells its event before the process's exit. */
  async birth<T>(execId: string, call: () => Promise<T>, eventFrom: (answer: T) => TaskEvent): Promise<T> {
    this.#underWay.set(execId, (this.#underWay.get(execId) ?? 0) + 1);
    try {
      const answer = await call();
      this.#takeRecords();
      this.#publisher.push(eventFrom(answer));
      return answer;
    } finally {
      const left = (this.#underWay.get(execId) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(execId);
      else this.#underWay.set(execId, left);
      this.#takeRecords();
    }
  }

  /** After all that has happened before. */
  tell(event: TaskEvent): void {
    this.#takeRecords();
    this.#publisher.push(event);
  }

  #takeRecords(): void {
    this.#journal.sync();
    for (const record of this.#journal.after(this.#cursor)) {
      if (this.#underWay.has('execId' in record ? record.execId : '')) return;
      this.#cursor = record.sequence;
      this.#publisher.push(eventOfRecord(record), () => this.#sent(record));
    }
  }

  /** containerd having it is all the acknowledgement there is; init's end stays in the journal, where `delete` looks for it. */
  #sent(record: JournalRecord): void {
    const isInitsEnd = 'execId' in record && record.execId === '';
    if (!isInitsEnd) this.#journal.acknowledge(record.sequence);
  }
}
