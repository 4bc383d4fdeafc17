// The newest events, kept in memory for readers that follow the journal; whoever is further behind reads the disk.
import type { EventRecord } from '../domain/records.js';

const maxEvents = 1024;
/** Of topics and payloads; a single event has at most 1 MiB (`publish-event.ts`). */
const maxBytes = 8 * 1024 * 1024;

export class RecentEvents {
  #events: readonly EventRecord[] = [];

  /** Those numbered after `cursor`; undefined where the first of them is not here. */
  after(cursor: bigint): readonly EventRecord[] | undefined {
    const [oldest] = this.#events;
    if (oldest === undefined || oldest.number > cursor + 1n) return undefined;
    return this.#events.slice(Number(cursor + 1n - oldest.number));
  }

  /** Their numbers go on from the last one added. */
  add(events: readonly EventRecord[]): void {
    const all = [...this.#events, ...events];
    let first = all.length;
    let bytes = 0;
    for (const event of all.slice(-maxEvents).reverse()) {
      bytes += sizeOf(event);
      if (bytes > maxBytes) break;
      first--;
    }
    this.#events = all.slice(first);
  }
}

function sizeOf({ topic, event }: EventRecord): number {
  return topic.length + event.typeUrl.length + event.value.length;
}
