// `berth images import`: images from an archive.
import { createReadStream } from 'node:fs';
import { type ImportImagesRequest, ImagesService, type ImportOptions } from '../../generated/berth/v1/images.js';
import { messageOf } from '../../domain/errors.js';
import { UsageError } from '../cli-error.js';
import { printStored } from '../registry/stored-image.js';
import type { CommandDefinition } from '../session.js';

const help = `
Takes an OCI layout as a tar, or what 'docker save' and 'ctr image export' write, plain or by gzip; - is standard input.
Images have the names that the archive gives them. Where it tells only a tag, --base-name is put before it. What is for
this host is unpacked.

Prints the images' names.
JSON, a line for each: {name, digest, mediaType, snapshotter, chainId}.

Examples:
  berth images import app.tar
  docker save app | berth images import -
  berth images import --base-name registry.example.com/team/app layout.tar`;

interface Options {
  readonly baseName?: string;
  readonly platform?: string;
  readonly snapshotter?: string;
  readonly unpack: boolean;
}

/** Bytes of one message. */
const pieceBytes = 512 * 1024;

export const imagesImport: CommandDefinition = (command, session) => {
  command
    .argument('<file>', 'archive; - for standard input')
    .option('--base-name <name>', 'name without tag, for images that the archive tells only a tag of')
    .option('--platform <os/arch[/variant]>', "whose image to unpack, in place of the host's")
    .option('--snapshotter <name>', 'snapshotter to unpack into')
    .option('--no-unpack', 'only take the content')
    .addHelpText('after', help)
    .action(async (file: string, { baseName = '', platform = '', snapshotter = '', unpack }: Options) => {
      if (file === '-' && process.stdin.isTTY) throw new UsageError('standard input is a terminal: name a file');
      const connection = await session.connect();
      const options = { baseName, platform, snapshotter, noUnpack: !unpack };
      for await (const { images } of connection.upload(ImagesService.import, requests(options, file))) {
        for (const image of images) printStored(session, image);
      }
    });
};

async function* requests(options: ImportOptions, file: string): AsyncGenerator<ImportImagesRequest> {
  yield { message: { $case: 'options', value: options } };
  const source = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: pieceBytes });
  try {
    for await (const data of source as AsyncIterable<Buffer>) yield { message: { $case: 'data', value: data } };
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${messageOf(error)}`);
  }
}
