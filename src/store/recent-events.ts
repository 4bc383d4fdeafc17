// The newest events, kept in memory for readers that follow the journal; whoever is further behind reads the disk.
import type { EventRecord } from '../domain/records.js';

const maxEvents = 1024;
/** Of topics and payloads; a single event has at most 1 MiB (`publish-event.ts`). */
const maxBytes = 8 * 1024 * 1024;

export class RecentEvents {
  readonly #events: EventRecord[] = [];
  #bytes = 0;

  /** Those numbered after `cursor`; undefined where the first of them is not here. */
  after(cursor: bigint): readonly EventRecord[] | undefined {
    const [oldest] = this.#events;
    if (oldest === undefined || oldest.number > cursor + 1n) return undefined;
    return this.#events.slice(Number(cursor + 1n - oldest.number));
  }

  /** Their numbers go on from the last one added. */
  add(events: readonly EventRecord[]): void {
    for (const event of events) this.#bytes += sizeOf(event);
    this.#events.push(...events);
    while (this.#events.length > maxEvents || this.#bytes > maxBytes) {
      const oldest = this.#events.shift();
      if (oldest === undefined) return;
      this.#bytes -= sizeOf(oldest);
    }
  }
}

function sizeOf({ topic, event }: EventRecord): number {
  return topic.length + event.typeUrl.length + event.value.length;
}
