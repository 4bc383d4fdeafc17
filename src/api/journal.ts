// berth.v1.Events: the journal by number, replayed from a cursor and then followed without a seam.
import { parseFilters } from '../domain/filter.js';
import { type JournalEntry, EventsService } from '../generated/berth/v1/events.js';
import type { JournalItem } from '../store/journal.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { anyFromTyped, nanosFromTimestamp, timestampFromNanos } from '../supervisor/wire-values.js';
import { eventFields } from './event-fields.js';
import type { Handlers } from './service.js';

export function journalHandlers({ store }: Supervisor): Handlers<typeof EventsService> {
  return {
    head: async () => store.journal.head(),
    async *subscribe({ after, since, filters, follow }, call) {
      const matches = parseFilters(filters);
      const earliest = nanosFromTimestamp(since);
      for await (const item of store.journal.read(after, { follow, signal: call.signal })) {
        if ('event' in item && (item.event.timestamp < earliest || !matches(eventFields(item.event)))) continue;
        yield entryOf(item);
      }
    },
  };
}

function entryOf(item: JournalItem): JournalEntry {
  if ('gap' in item) return { entry: { $case: 'gap', value: item.gap } };
  const { number, timestamp, namespace, topic, event } = item.event;
  const value = { number, timestamp: timestampFromNanos(timestamp), namespace, topic, event: anyFromTyped(event) };
  return { entry: { $case: 'event', value } };
}
