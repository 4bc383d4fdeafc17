// `berth events`: the daemon's events, from the journal and as they happen, a line each.
import type { Envelope } from '../../generated/containerd/types/event.js';
import type { Timestamp } from '../../generated/google/protobuf/timestamp.js';
import { UsageError } from '../cli-error.js';
import { followEvents, type StreamItem } from '../follow-events.js';
import { tellLost } from '../foreground-process.js';
import { type Json, jsonFromMessage, jsonFromTimestamp } from '../json-value.js';
import { parseMoment } from '../parse/moment.js';
import type { CommandDefinition, Session } from '../session.js';
import { printable } from '../table.js';

const help = `
Prints NUMBER TIME NAMESPACE TOPIC PAYLOAD of new events until it is interrupted. --after and --since begin with events
that are kept; --no-follow ends with the last one that is, and begins with the first where neither is given. Numbers
have no gaps: where events are no longer kept, a line says which. When the daemon restarts, berth goes on where it
stopped.

Events of all namespaces are shown, unless one is named by --namespace or BERTH_NAMESPACE. Filters are containerd's,
over topic, namespace and the payload's fields (values with a slash in quotes); any one selects an event. A server
without a journal, such as containerd, shows what happens from now on, without numbers (-).

JSON: one object a line, {number, timestamp, namespace, topic, event}; event has its type in '@type'. A gap is
{gap: {firstMissing, lastMissing}}.

Examples:
  berth events
  berth events --filter 'topic~=^/tasks/' -o json
  berth events --since 10m --no-follow --filter 'topic=="/tasks/exit",event.container_id==web'
  berth events --after 1041`;

interface Options {
  readonly after?: bigint;
  readonly since?: Timestamp;
  readonly follow: boolean;
  readonly filter?: string[];
}

export const events: CommandDefinition = (command, session) => {
  command
    .option('--after <number>', 'begin after this event; 0: with the first that is kept', parseNumber)
    .option('--since <time>', 'begin at this time: RFC 3339, seconds since 1970, or how long ago (10m)', parseSince)
    .option('--no-follow', 'end with the last event that is kept')
    .option('-f, --filter <filter...>', 'which events to show')
    .addHelpText('after', help)
    .action(async ({ after, since, follow, filter = [] }: Options) => {
      const connection = await session.connect();
      const items = followEvents(connection, {
        filters: filtersWithin(session, filter),
        ...(after === undefined ? {} : { after }),
        ...(since === undefined ? {} : { since }),
        follow,
        onLost: tellLost,
      });
      for await (const item of items) {
        if (session.wantsJson) session.printJsonLine(jsonOf(item));
        else session.printLine(lineOf(item));
      }
    });
};

function parseNumber(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw new UsageError(`event number ${JSON.stringify(text)} is no whole number`);
  return BigInt(text);
}

function parseSince(text: string): Timestamp {
  return parseMoment('time', text);
}

/** In each filter a comma means 'and'. */
function filtersWithin(session: Session, filters: readonly string[]): string[] {
  const { namespace, namespaceGiven } = session.globals;
  if (!namespaceGiven) return [...filters];
  const within = `namespace==${JSON.stringify(namespace)}`;
  return filters.length === 0 ? [within] : filters.map((filter) => `${filter},${within}`);
}

function jsonOf(item: StreamItem): Json {
  if ('gap' in item) return { gap: jsonFromMessage(item.gap) };
  const { number, timestamp, namespace, topic, event } = item.event;
  const time = jsonFromTimestamp(timestamp);
  return { number: jsonFromMessage(number), timestamp: time, namespace, topic, event: jsonFromMessage(event) };
}

function lineOf(item: StreamItem): string {
  if ('event' in item) return eventLine(item.event, item.event.number);
  const { firstMissing, lastMissing } = item.gap;
  return `${firstMissing}-${lastMissing} gap: these events are no longer kept`;
}

function eventLine(envelope: Envelope, number: bigint | undefined): string {
  const payload = jsonFromMessage(envelope.event);
  const { '@type': _, ...fields } = typeof payload === 'object' && !Array.isArray(payload) ? { ...payload } : {};
  const time = jsonFromTimestamp(envelope.timestamp) ?? '-';
  const words = [number ?? '-', time, printable(envelope.namespace), printable(envelope.topic), JSON.stringify(fields)];
  return words.join(' ');
}
