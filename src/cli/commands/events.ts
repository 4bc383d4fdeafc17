// `berth events`: the daemon's events as they happen, a line each.
import type { Envelope } from '../../generated/containerd/types/event.js';
import { EventsService } from '../../generated/containerd/services/events/v1/events.js';
import { type Json, jsonFromMessage, jsonFromTimestamp } from '../json-value.js';
import type { CommandDefinition, Session } from '../session.js';
import { printable } from '../table.js';

const help = `
Prints TIME NAMESPACE TOPIC PAYLOAD until it is interrupted. Events of all namespaces are shown, unless one is named by
--namespace or BERTH_NAMESPACE. Filters are containerd's, over topic, namespace and the payload's fields; any one
selects an event.

JSON: one object a line, {timestamp, namespace, topic, event}; event has its type in '@type'.

Examples:
  berth events
  berth events --filter 'topic~=^/tasks/' -o json
  berth events --filter 'topic==/tasks/exit,event.container_id==web'`;

export const events: CommandDefinition = (command, session) => {
  command
    .option('--filter <filter...>', 'which events to show')
    .addHelpText('after', help)
    .action(async ({ filter = [] }: { readonly filter?: string[] }) => {
      const connection = await session.connect();
      const filters = filtersWithin(session, filter);
      for await (const envelope of connection.stream(EventsService.subscribe, { filters })) {
        if (session.wantsJson) session.printJsonLine(jsonOf(envelope));
        else session.printLine(lineOf(envelope));
      }
    });
};

/** In each filter a comma means 'and'. */
function filtersWithin(session: Session, filters: readonly string[]): string[] {
  const { namespace, namespaceGiven } = session.globals;
  if (!namespaceGiven) return [...filters];
  const within = `namespace==${JSON.stringify(namespace)}`;
  return filters.length === 0 ? [within] : filters.map((filter) => `${filter},${within}`);
}

function jsonOf({ timestamp, namespace, topic, event }: Envelope): Json {
  return { timestamp: jsonFromTimestamp(timestamp), namespace, topic, event: jsonFromMessage(event) };
}

function lineOf(envelope: Envelope): string {
  const payload = jsonFromMessage(envelope.event);
  const { '@type': _, ...fields } = typeof payload === 'object' && !Array.isArray(payload) ? { ...payload } : {};
  const time = jsonFromTimestamp(envelope.timestamp) ?? '-';
  return [time, printable(envelope.namespace), printable(envelope.topic), JSON.stringify(fields)].join(' ');
}
