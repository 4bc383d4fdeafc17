// The daemon's events as one stream: from the journal, by number and across restarts of the daemon; from a server without
// a journal, such as containerd, as they come.
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, isBerthError } from '../domain/errors.js';
import { type Event, EventsService as JournalService, type Gap } from '../generated/berth/v1/events.js';
import { EventsService } from '../generated/containerd/services/events/v1/events.js';
import type { Envelope } from '../generated/containerd/types/event.js';
import type { Timestamp } from '../generated/google/protobuf/timestamp.js';
import type { Connection } from './connection.js';

/** `number` is missing where the server has no journal. */
export type StreamItem = { readonly event: Envelope & { readonly number?: bigint } } | { readonly gap: Gap };

export interface EventWishes {
  readonly filters: readonly string[];
  /** Number of the last event that is known already; by default, with neither this nor `since`, the newest there is. */
  readonly after?: bigint;
  readonly since?: Timestamp;
  readonly follow: boolean;
  /** Told once each time the daemon goes away. */
  readonly onLost: () => void;
}

/** A daemon that is not back by then is not being restarted. */
const reconnectLimitMs = 30_000;
const reconnectIntervalMs = 200;

export async function* followEvents(connection: Connection, wishes: EventWishes): AsyncGenerator<StreamItem> {
  const last = await lastNumber(connection);
  if (last === undefined) return yield* withoutJournal(connection, wishes);
  // What is kept is all that a stream that does not follow has.
  const replays = wishes.after !== undefined || wishes.since !== undefined || !wishes.follow;
  yield* fromJournal(connection, wishes, replays ? (wishes.after ?? 0n) : last);
}

/** undefined where the server has no journal. */
async function lastNumber(connection: Connection): Promise<bigint | undefined> {
  try {
    return (await connection.unary(JournalService.head, {})).last;
  } catch (error) {
    if (isBerthError(error, 'unimplemented')) return undefined;
    throw error;
  }
}

async function* fromJournal(connection: Connection, wishes: EventWishes, after: bigint): AsyncGenerator<StreamItem> {
  const { follow, since, onLost } = wishes;
  let cursor = after;
  let lostAt: number | undefined;
  for (;;) {
    const request = { after: cursor, since, filters: [...wishes.filters], follow };
    try {
      for await (const { entry } of connection.stream(JournalService.subscribe, request)) {
        lostAt = undefined;
        if (entry === undefined) continue;
        cursor = entry.$case === 'gap' ? entry.value.lastMissing : entry.value.number;
        yield entry.$case === 'gap' ? { gap: entry.value } : { event: envelopeOf(entry.value) };
      }
      return;
    } catch (error) {
      if (!isBerthError(error, 'unavailable')) throw error;
      if (lostAt === undefined) onLost();
      lostAt ??= performance.now();
      if (performance.now() - lostAt > reconnectLimitMs) throw error;
    }
    await sleep(reconnectIntervalMs);
    // A quiet stream tells nothing of its connection: this does.
    if (await answers(connection)) lostAt = undefined;
  }
}

async function answers(connection: Connection): Promise<boolean> {
  try {
    await connection.unary(JournalService.head, {});
    return true;
  } catch (error) {
    if (isBerthError(error, 'unavailable')) return false;
    throw error;
  }
}

async function* withoutJournal(connection: Connection, wishes: EventWishes): AsyncGenerator<StreamItem> {
  const { after, since, follow } = wishes;
  if (after !== undefined || since !== undefined || !follow) {
    throw new BerthError('unimplemented', 'this server keeps no journal: there is nothing before now to be shown');
  }
  const filters = [...wishes.filters];
  for await (const event of connection.stream(EventsService.subscribe, { filters })) yield { event };
}

function envelopeOf({ number, timestamp, namespace, topic, event }: Event): Envelope & { readonly number: bigint } {
  return { number, timestamp, namespace, topic, event };
}
