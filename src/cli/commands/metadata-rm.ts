// `berth metadata rm`: removes values that are kept beside a container.
import { StorageService } from '../../generated/berth/v1/storage.js';
import { forEachId } from '../each-id.js';
import type { CommandDefinition } from '../session.js';

const help = `
Examples:
  berth metadata rm web owner`;

export const metadataRm: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .argument('<name...>', 'names of values')
    .addHelpText('after', help)
    .action(async (containerId: string, names: string[]) => {
      const connection = await session.connect();
      await forEachId(session, names, async (name) => {
        await connection.unary(StorageService.removeMetadata, { containerId, name });
      });
    });
};
