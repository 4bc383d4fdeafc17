// `berth export`: a container's root filesystem as a tar, to a file or to our standard output.
import { createWriteStream } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StorageService } from '../../generated/berth/v1/storage.js';
import { UsageError } from '../cli-error.js';
import type { Connection } from '../connection.js';
import type { CommandDefinition } from '../session.js';

const help = `
Owners, modes, times, links, devices and extended attributes are kept. Volumes and other mounts are not in it. A
running container is read as it is at the time: pause it first where that matters. A file given with --file is there
whole or not at all.

Examples:
  berth export web | tar -tv
  berth export -f web.tar web`;

const fileMode = 0o600;

export const exportContainer: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .option('-f, --file <file>', 'write there instead of to standard output')
    .addHelpText('after', help)
    .action(async (containerId: string, { file }: { readonly file?: string }) => {
      if (file === undefined && process.stdout.isTTY) throw new UsageError('a terminal takes no tar: give --file');
      const connection = await session.connect();
      if (file === undefined) {
        await pipeline(Readable.from(piecesOf(connection, containerId)), process.stdout, { end: false });
      } else {
        await writeWhole(connection, containerId, file);
      }
    });
};

async function writeWhole(connection: Connection, containerId: string, file: string): Promise<void> {
  const partial = `${file}.${process.pid}.part`;
  try {
    const target = createWriteStream(partial, { flags: 'wx', mode: fileMode });
    await pipeline(Readable.from(piecesOf(connection, containerId)), target);
    await rename(partial, file);
  } catch (error) {
    await unlink(partial).catch(() => undefined);
    throw error;
  }
}

async function* piecesOf(connection: Connection, containerId: string): AsyncGenerator<Buffer> {
  for await (const { data } of connection.stream(StorageService.export, { containerId })) yield data;
}
