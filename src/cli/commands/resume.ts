// `berth resume`: lets a paused container go on.
import { TasksService } from '../../generated/containerd/services/tasks/v1/tasks.js';
import { forEachId } from '../each-id.js';
import type { CommandDefinition } from '../session.js';

const help = `
Examples:
  berth resume web`;

export const resume: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'paused containers')
    .addHelpText('after', help)
    .action(async (ids: string[]) => {
      const connection = await session.connect();
      await forEachId(session, ids, async (containerId) => {
        await connection.unary(TasksService.resume, { containerId });
      });
    });
};
