// `berth pull`: fetches an image from a registry and unpacks it.
import { collect } from '../option-list.js';
import { pullImage } from '../registry/pull-image.js';
import { printStored } from '../registry/stored-image.js';
import { accessFrom, addRegistryOptions, registryHelp, type RegistryOptions } from '../registry/registry-options.js';
import type { CommandDefinition } from '../session.js';

const help = `
A reference is [REGISTRY/]REPOSITORY[:TAG][@DIGEST]; alpine means docker.io/library/alpine:latest. The daemon does the
work: a pull that is cut off goes on where it was when it is called again within the hour, whoever has died.
${registryHelp}

Prints the image's full name; how it goes on is told on standard error.
JSON: {name, digest, mediaType, snapshotter, chainId}.

Examples:
  berth pull alpine
  berth pull --platform linux/arm64 registry.example.com/team/app:1.2
  berth pull 127.0.0.1:5000/app`;

interface Options extends RegistryOptions {
  readonly platform?: string[];
  readonly allPlatforms?: boolean;
  readonly snapshotter?: string;
  readonly unpack: boolean;
  readonly quiet?: boolean;
}

export const pull: CommandDefinition = (command, session) => {
  addRegistryOptions(command)
    .argument('<reference>', 'image')
    .option('--platform <os/arch[/variant]>', "platform, in place of the host's; may be repeated", collect)
    .option('--all-platforms', 'fetch what the image has for every platform')
    .option('--snapshotter <name>', 'snapshotter to unpack into')
    .option('--no-unpack', 'only fetch')
    .option('-q, --quiet', 'tell nothing of how it goes on')
    .addHelpText('after', help)
    .action(async (reference: string, options: Options) => {
      const request = {
        reference,
        access: await accessFrom(session, reference, options),
        platforms: options.platform ?? [],
        allPlatforms: options.allPlatforms ?? false,
        snapshotter: options.snapshotter ?? '',
        noUnpack: !options.unpack,
      };
      const connection = await session.connect();
      printStored(session, await pullImage(connection, request, options.quiet ?? false));
    });
};
