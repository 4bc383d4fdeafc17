// `berth pause`: stops every process of a container until it is resumed.
import { TasksService } from '../../generated/containerd/services/tasks/v1/tasks.js';
import { forEachId } from '../each-id.js';
import type { CommandDefinition } from '../session.js';

const help = `
A paused container keeps its memory and takes no processor time. SIGKILL ends it at once, other signals wait.

Examples:
  berth pause web
  berth pause web worker`;

export const pause: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .addHelpText('after', help)
    .action(async (ids: string[]) => {
      const connection = await session.connect();
      await forEachId(session, ids, async (containerId) => {
        await connection.unary(TasksService.pause, { containerId });
      });
    });
};
