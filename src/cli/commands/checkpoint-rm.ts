// `berth checkpoint rm`: removes checkpoints, files and all.
import { CheckpointsService } from '../../generated/berth/v1/checkpoints.js';
import { forEachId } from '../each-id.js';
import type { CommandDefinition } from '../session.js';

const help = `
One that is the parent of another is refused.

Examples:
  berth checkpoint rm before-upgrade`;

export const checkpointRm: CommandDefinition = (command, session) => {
  command
    .argument('<name...>', 'checkpoints')
    .addHelpText('after', help)
    .action(async (names: string[]) => {
      const connection = await session.connect();
      await forEachId(session, names, async (name) => {
        await connection.unary(CheckpointsService.delete, { name });
      });
    });
};
