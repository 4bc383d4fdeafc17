// `berth content get`: one blob, as it is.
import { ContentService } from '../../generated/containerd/services/content/v1/content.js';
import { parseInteger } from '../parse/number.js';
import { writeOutput } from '../write-output.js';
import type { CommandDefinition } from '../session.js';

const help = `
Writes the blob to standard output.

Examples:
  berth content get sha256:... | jq .
  berth content get --offset 100 --size 20 sha256:... | xxd`;

interface Options {
  readonly offset: number;
  readonly size: number;
}

const bytes = (option: string) => (text: string) => parseInteger(option, text);

export const contentGet: CommandDefinition = (command, session) => {
  command
    .argument('<digest>', 'blob')
    .option('--offset <bytes>', 'where to begin', bytes('--offset'), 0)
    .option('--size <bytes>', 'how many at most; 0: to the end', bytes('--size'), 0)
    .addHelpText('after', help)
    .action(async (digest: string, { offset, size }: Options) => {
      const connection = await session.connect();
      const range = { digest, offset: BigInt(offset), size: BigInt(size) };
      for await (const { data } of connection.stream(ContentService.read, range)) {
        await writeOutput(process.stdout, data);
      }
    });
};
