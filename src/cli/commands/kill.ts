// `berth kill`: one signal to a container's init, one exec, or everything in it.
import { Option } from 'commander';
import { TasksService } from '../../generated/containerd/services/tasks/v1/tasks.js';
import { forEachId } from '../each-id.js';
import { parseSignal } from '../parse/signal.js';
import type { CommandDefinition } from '../session.js';

const help = `
Signals: by name with or without SIG (TERM, SIGUSR1, RTMIN+3), or by number. As the first process of its pid namespace,
a container's init gets only the signals it handles, and KILL.

Examples:
  berth kill web
  berth kill -s HUP web
  berth kill -s 9 --all web`;

interface Options {
  readonly signal: number;
  readonly all?: boolean;
  readonly execId?: string;
}

export const kill: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .addOption(
      new Option('-s, --signal <signal>', 'signal to send').argParser(parseSignal).default(parseSignal('KILL'), 'KILL'),
    )
    .option('--all', 'to every process of the container')
    .option('--exec-id <id>', 'to this exec instead of the init process')
    .addHelpText('after', help)
    .action(async (ids: string[], { signal, all = false, execId = '' }: Options) => {
      const connection = await session.connect();
      await forEachId(session, ids, async (containerId) => {
        await connection.unary(TasksService.kill, { containerId, execId, signal, all });
      });
    });
};
