// `berth explain`: one container's story, from everything that knows of it.
import { MaintenanceService, type TimelineEntry } from '../../generated/berth/v1/maintenance.js';
import { jsonFromMessage, jsonFromTimestamp } from '../json-value.js';
import type { CommandDefinition } from '../session.js';
import { printable } from '../table.js';

const help = `
First what holds now, then what happened, oldest first: TIME (in UTC), how long after the line before, WHO TELLS (the
journal of events, the shim's journal of exits, its log, the kept records), and what. It works also for containers that
are gone, as far back as the journal goes.

JSON: {facts: [{name, value}], entries: [{time, source, text}]}.

Examples:
  berth explain web
  berth explain web -o json | jq '.entries[-1]'`;

const sourceWidth = 'exit-journal'.length;
const stepWidth = '+000.000s'.length;

export const explain: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container, of now or of the past')
    .addHelpText('after', help)
    .action(async (containerId: string) => {
      const connection = await session.connect();
      const { facts, entries } = await connection.unary(MaintenanceService.explain, { containerId });
      if (session.wantsJson) return session.printJson(jsonFromMessage({ facts, entries }));
      const width = Math.max(0, ...facts.map(({ name }) => name.length));
      for (const { name, value } of facts) session.printLine(`${printable(name).padEnd(width)}  ${printable(value)}`);
      if (facts.length > 0 && entries.length > 0) session.printLine('');
      for (const line of linesOf(entries)) session.printLine(line);
    });
};

function linesOf(entries: readonly TimelineEntry[]): string[] {
  return entries.map((entry, index) => {
    const { source, text } = entry;
    const step = stepOf(entries[index - 1], entry).padStart(stepWidth);
    return `${millisText(entry)}  ${step}  ${source.padEnd(sourceWidth)}  ${printable(text)}`;
  });
}

/** To the millisecond: what the shim's log has is no finer. */
function millisText({ time }: TimelineEntry): string {
  return (jsonFromTimestamp(time) ?? '-').replace('T', ' ').replace(/(\.\d{3})\d*Z$/, '$1');
}

function stepOf(before: TimelineEntry | undefined, entry: TimelineEntry): string {
  if (before === undefined) return '';
  return `+${((millisOf(entry) - millisOf(before)) / 1000).toFixed(3)}s`;
}

function millisOf({ time }: TimelineEntry): number {
  return time === undefined ? 0 : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1_000_000);
}
