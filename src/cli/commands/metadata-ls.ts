// `berth metadata ls`: the names of what is kept beside a container.
import { StorageService } from '../../generated/berth/v1/storage.js';
import { formatBytes } from '../format-bytes.js';
import { jsonFromTimestamp } from '../json-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
JSON: an array of {name, size, updatedAt}.

Examples:
  berth metadata ls web`;

export const metadataLs: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .addHelpText('after', help)
    .action(async (containerId: string) => {
      const connection = await session.connect();
      const { entries } = await connection.unary(StorageService.listMetadata, { containerId });
      if (session.wantsJson) {
        session.printJson(
          entries.map(({ name, size, updatedAt }) => ({
            name,
            size: Number(size),
            updatedAt: jsonFromTimestamp(updatedAt),
          })),
        );
        return;
      }
      await session.printTable(
        ['NAME', 'SIZE'],
        entries.map(({ name, size }) => [name, formatBytes(Number(size))]),
      );
    });
};
