// The socket beside the API's on which foreign shims tell their events: containerd's Events service, over ttrpc.
import { chmodSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { timeFromWire } from '../api/wire-numbers.js';
import type { Log } from '../base/log.js';
import { BerthError } from '../domain/errors.js';
import { EventsDefinition } from '../generated/containerd/services/events/ttrpc/v1/events.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { takeForwardedEvent } from '../supervisor/take-forwarded-event.js';
import { implement, serveTtrpc } from '../ttrpc/server.js';
import { claimSocket } from './socket.js';

/** Shims run as root; nobody else has events to tell here. */
const socketMode = 0o600;

/** containerd's rule. */
export function eventsAddress(address: string): string {
  return `${address}.ttrpc`;
}

export interface EventsSocket {
  close(): Promise<void>;
}

export async function serveForwardedEvents(path: string, supervisor: Supervisor, log: Log): Promise<EventsSocket> {
  await claimSocket(path);
  const service = implement(EventsDefinition, {
    forward: async ({ envelope }) => {
      if (envelope?.event === undefined) throw new BerthError('invalid-argument', 'the request has no event');
      const { namespace, topic, timestamp, event } = envelope;
      if (timestamp === undefined) throw new BerthError('invalid-argument', 'the envelope has no timestamp');
      const time = timeFromWire('the timestamp', timestamp);
      await takeForwardedEvent(supervisor, { namespace, topic, timestamp: time, event });
      return {};
    },
  });
  const server = serveTtrpc({
    services: [service],
    onError: (error) => log.warn('an event of a foreign shim could not be taken', { error }),
  });
  const listener = createServer((socket) => server.accept(socket));
  listener.listen(path);
  await once(listener, 'listening');
  chmodSync(path, socketMode);
  return {
    close: async () => {
      listener.close();
      await server.close();
    },
  };
}
