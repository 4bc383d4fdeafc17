// `berth containers rm`: removes records only, where `berth rm` takes the task along.
import { ContainersService } from '../../generated/containerd/services/containers/v1/containers.js';
import { forEachId } from '../each-id.js';
import { findTask } from '../records.js';
import type { CommandDefinition } from '../session.js';
import { BerthError } from '../../domain/errors.js';

const help = `
A container that has a task, even a stopped one, is refused: 'berth rm' removes both.

Examples:
  berth containers rm web`;

export const containersRm: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'containers')
    .addHelpText('after', help)
    .action(async (ids: string[]) => {
      const connection = await session.connect();
      await forEachId(session, ids, async (id) => {
        if ((await findTask(connection, id)) !== undefined) {
          throw new BerthError('failed-precondition', `container ${id} has a task: use 'berth rm ${id}'`);
        }
        await connection.unary(ContainersService.delete, { id });
      });
    });
};
