// `berth stats`: what containers use of processor, memory, disks and network, as it goes on.
import type { CommandDefinition, Session } from '../session.js';
import { type Sample, sampleCells, sampleHeaders, sampleJson } from '../stats/sample.js';
import { watchStats } from '../stats/watch-stats.js';
import { formatTable } from '../table.js';

const help = `
Of all running containers, or of those named, once a second until it is interrupted or none of those named is left.
CPU is that of the last second, 100 for a whole processor; memory is without the file cache that the kernel gives back
first. A terminal shows one table that is drawn anew; elsewhere tables follow each other.

JSON: one object a line for each container and second, {time, id, cpuPercent, cpuNanos, memoryBytes, workingSetBytes,
memoryLimitBytes, pids, pidsLimit, readBytes, writtenBytes, receivedBytes, sentBytes}; cpuPercent is null at the
first, limits are null where there are none.

Examples:
  berth stats
  berth stats --no-stream web worker
  berth stats -o json web | jq .cpuPercent`;

const cursorHome = '\u001b[H';
const clearLineEnd = '\u001b[K';
const clearBelow = '\u001b[J';

export const stats: CommandDefinition = (command, session) => {
  command
    .argument('[id...]', 'containers')
    .option('--no-stream', 'look twice, a second apart, print that and end')
    .addHelpText('after', help)
    .action(async (ids: string[], { stream }: { readonly stream: boolean }) => {
      const connection = await session.connect();
      let looks = 0;
      for await (const samples of watchStats(connection, ids)) {
        looks++;
        if (stream) print(session, samples, process.stdout.isTTY);
        // The first has no share of a processor yet.
        else if (looks === 2) return print(session, samples, false);
      }
    });
};

function print(session: Session, samples: readonly Sample[], redraw: boolean): void {
  if (session.wantsJson) {
    for (const sample of samples) session.printJsonLine(sampleJson(sample));
    return;
  }
  const lines = formatTable(sampleHeaders, samples.map(sampleCells)).trimEnd().split('\n');
  session.printLine(redraw ? screenOf(lines) : lines.join('\n'));
}

/** Over what was drawn before, so that nothing flickers; what does not fit would scroll the rest away. */
function screenOf(lines: readonly string[]): string {
  const fitting = lines.slice(0, Math.max(1, (process.stdout.rows || Number.POSITIVE_INFINITY) - 1));
  return `${cursorHome}${fitting.join(`${clearLineEnd}\n`)}${clearLineEnd}${clearBelow}`;
}
