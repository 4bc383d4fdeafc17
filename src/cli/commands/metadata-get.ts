// `berth metadata get`: one value, byte for byte.
import { StorageService } from '../../generated/berth/v1/storage.js';
import type { CommandDefinition } from '../session.js';

const help = `
The value is written as it is, without a line feed of ours.

Examples:
  berth metadata get web owner
  berth metadata get web config.json | jq .`;

export const metadataGet: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .argument('<name>', 'name of the value')
    .addHelpText('after', help)
    .action(async (containerId: string, name: string) => {
      const connection = await session.connect();
      const { value } = await connection.unary(StorageService.getMetadata, { containerId, name });
      process.stdout.write(value);
    });
};
