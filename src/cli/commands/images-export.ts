// `berth images export`: images as an archive.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { ImagesService } from '../../generated/berth/v1/images.js';
import { UsageError } from '../cli-error.js';
import type { Connection } from '../connection.js';
import { recordedImageName } from '../image-name.js';
import type { CommandDefinition } from '../session.js';
import { writeOutput } from '../write-output.js';

const help = `
Writes a tar that is an OCI layout, and that 'docker load' takes as well: to standard output, or with --file to a file,
which is there only once it is whole. Of an image for several platforms all that is here goes.

Examples:
  berth images export --file app.tar app:1.2
  berth images export app:1.2 | docker load
  berth images export --platform linux/arm64 alpine | gzip > alpine.tar.gz`;

interface Options {
  readonly file?: string;
  readonly platform?: string;
}

export const imagesExport: CommandDefinition = (command, session) => {
  command
    .argument('<image...>', 'images')
    .option('-f, --file <path>', 'where to, in place of standard output')
    .option('--platform <os/arch[/variant]>', 'only what is for this platform')
    .addHelpText('after', help)
    .action(async (texts: string[], { file, platform = '' }: Options) => {
      if (file === undefined && process.stdout.isTTY) {
        throw new UsageError('standard output is a terminal: name a file with --file');
      }
      const connection = await session.connect();
      const images: string[] = [];
      for (const text of texts) images.push(await recordedImageName(connection, text));
      const archive = connection.stream(ImagesService.export, { images, platform });
      if (file === undefined) {
        for await (const { data } of archive) await writeOutput(process.stdout, data);
      } else {
        await writeFile(file, archive);
      }
    });
};

/** Under another name until it is whole. */
async function writeFile(path: string, archive: ReturnType<Connection['stream']>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const output = createWriteStream(temporary, { flags: 'wx' });
  try {
    await once(output, 'open');
    for await (const { data } of archive as AsyncIterable<{ readonly data: Uint8Array }>)
      await writeOutput(output, data);
    output.end();
    await once(output, 'finish');
    await rename(temporary, path);
  } catch (error) {
    output.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
}
