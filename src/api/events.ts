// containerd.services.events.v1: events as they happen, served from the journal.
import { BerthError } from '../domain/errors.js';
import { parseFilters } from '../domain/filter.js';
import type { EventRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { EventsService } from '../generated/containerd/services/events/v1/events.js';
import type { Envelope } from '../generated/containerd/types/event.js';
import { liveEvents } from '../supervisor/live-events.js';
import { publishEvent } from '../supervisor/publish-event.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { anyFromTyped, timestampFromNanos } from '../supervisor/wire-values.js';
import { eventFields } from './event-fields.js';
import type { Handlers } from './service.js';
import { timeFromWire } from './wire-numbers.js';

export function eventsHandlers(supervisor: Supervisor): Handlers<typeof EventsService> {
  return {
    publish: async ({ topic, event }, call) => {
      if (event === undefined) throw new BerthError('invalid-argument', 'the request has no event');
      await publishEvent(supervisor, { namespace: call.namespace(), topic, timestamp: nowNanos(), event });
      return {};
    },
    forward: async ({ envelope }) => {
      if (envelope?.event === undefined) throw new BerthError('invalid-argument', 'the request has no event');
      const { namespace, topic, timestamp, event } = envelope;
      if (timestamp === undefined) throw new BerthError('invalid-argument', 'the envelope has no timestamp');
      const time = timeFromWire('the timestamp', timestamp);
      await publishEvent(supervisor, { namespace, topic, timestamp: time, event });
      return {};
    },
    async *subscribe({ filters }, call) {
      const matches = parseFilters(filters);
      for await (const event of liveEvents(supervisor, call.signal)) {
        if (matches(eventFields(event))) yield envelopeOf(event);
      }
    },
  };
}

function envelopeOf({ timestamp, namespace, topic, event }: EventRecord): Envelope {
  return { timestamp: timestampFromNanos(timestamp), namespace, topic, event: anyFromTyped(event) };
}
