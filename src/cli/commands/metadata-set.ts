// `berth metadata set`: keeps a value beside a container until the container goes.
import { readFile } from 'node:fs/promises';
import { StorageService } from '../../generated/berth/v1/storage.js';
import { UsageError } from '../cli-error.js';
import type { CommandDefinition } from '../session.js';

const help = `
At most 1 MiB each, and 64 of a container. With --file, the value is that file's content; '-' is our standard input.

Examples:
  berth metadata set web owner team-a
  berth metadata set web config.json --file config.json`;

const standardInput = 0;

export const metadataSet: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .argument('<name>', 'name of the value')
    .argument('[value]', 'the value')
    .option('-f, --file <file>', 'take the value from there')
    .addHelpText('after', help)
    .action(
      async (containerId: string, name: string, text: string | undefined, options: { readonly file?: string }) => {
        const value = await valueFrom(text, options.file);
        const connection = await session.connect();
        await connection.unary(StorageService.setMetadata, { containerId, name, value });
        session.printId(containerId);
      },
    );
};

async function valueFrom(text: string | undefined, file: string | undefined): Promise<Buffer> {
  if ((text === undefined) === (file === undefined)) throw new UsageError('give either a value or --file');
  if (file === undefined) return Buffer.from(text ?? '');
  return await readFile(file === '-' ? `/dev/fd/${standardInput}` : file);
}
