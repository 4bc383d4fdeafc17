// `berth stop`: the container's stop signal, then SIGKILL for what does not heed it.
import { stopSignalLabel } from '../../domain/image-label.js';
import { forEachId } from '../each-id.js';
import { parseDecimal } from '../parse/number.js';
import { parseSignal } from '../parse/signal.js';
import { findTask, getContainer } from '../records.js';
import type { CommandDefinition } from '../session.js';
import { stopTask } from '../stop-task.js';
import { statusName } from '../task-status.js';

const defaultTimeoutSeconds = 10;

const help = `
The signal is the one in the container's label ${stopSignalLabel}, else TERM. A container
that is stopped already, or has no task, is no error.

Examples:
  berth stop web
  berth stop --timeout 0 web worker`;

interface Options {
  readonly timeout: number;
  readonly signal?: number;
}

export const stop: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .option('-t, --timeout <seconds>', 'wait that long before SIGKILL; 0: at once', parseSeconds, defaultTimeoutSeconds)
    .option('-s, --signal <signal>', "signal to send instead of the container's own", parseSignal)
    .addHelpText('after', help)
    .action(async (ids: string[], options: Options) => {
      const connection = await session.connect();
      await forEachId(session, ids, async (id) => {
        const container = await getContainer(connection, id);
        const task = await findTask(connection, id);
        if (task === undefined || statusName(task.status) === 'stopped') return;
        const signal = options.signal ?? parseSignal(container?.labels[stopSignalLabel] ?? 'TERM');
        await stopTask(connection, id, { signal, timeoutMs: options.timeout * 1000 });
      });
    });
};

function parseSeconds(text: string): number {
  return parseDecimal('timeout', text);
}
