// `berth checkpoint inspect`: all that the catalogue keeps of a checkpoint.
import { CheckpointsService } from '../../generated/berth/v1/checkpoints.js';
import { checkpointJson } from '../checkpoint-json.js';
import type { Json } from '../json-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
Always JSON: an array of {name, containerId, createdAt, options, parent, size, criuVersion, runtimeVersion, imagePath,
files: [{path, digest, size}], spec}.

Examples:
  berth checkpoint inspect before-upgrade`;

export const checkpointInspect: CommandDefinition = (command, session) => {
  command
    .argument('<name...>', 'checkpoints')
    .addHelpText('after', help)
    .action(async (names: string[]) => {
      const connection = await session.connect();
      const found: Json[] = [];
      for (const name of names) {
        const { checkpoint } = await connection.unary(CheckpointsService.get, { name });
        if (checkpoint !== undefined) found.push(checkpointJson(checkpoint));
      }
      session.printJson(found);
    });
};
