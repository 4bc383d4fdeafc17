// `berth push`: sends an image to a registry.
import { ImagesService, type ResolvedImage } from '../../generated/berth/v1/images.js';
import { fullImageName } from '../../domain/image-reference.js';
import { recordedImageName } from '../image-name.js';
import { accessFrom, addRegistryOptions, registryHelp, type RegistryOptions } from '../registry/registry-options.js';
import { transferView } from '../registry/transfer-view.js';
import type { CommandDefinition } from '../session.js';

const help = `
What the registry has already is not sent again. An image for several platforms goes as it is, and must be here whole
(berth pull --all-platforms); with --platform only that one goes.
${registryHelp}

Prints the reference in full; how it goes on is told on standard error.
JSON: {name, digest, mediaType}.

Examples:
  berth push registry.example.com/team/app:1.2
  berth push app:1.2 127.0.0.1:5000/app:1.2
  berth push --platform linux/amd64 alpine registry.example.com/mirror/alpine`;

interface Options extends RegistryOptions {
  readonly platform?: string;
  readonly quiet?: boolean;
}

export const push: CommandDefinition = (command, session) => {
  addRegistryOptions(command)
    .argument('<image>', 'image that is here')
    .argument('[reference]', "where to, in place of the image's own name")
    .option('--platform <os/arch[/variant]>', 'only what is for this platform')
    .option('-q, --quiet', 'tell nothing of how it goes on')
    .addHelpText('after', help)
    .action(async (text: string, given: string | undefined, options: Options) => {
      const connection = await session.connect();
      const image = await recordedImageName(connection, text);
      const reference = fullImageName(given ?? image);
      const access = await accessFrom(session, reference, options);
      const request = { image, reference, access, platform: options.platform ?? '' };
      const view = transferView(process.stderr, 'push', options.quiet ?? false);
      let pushed: ResolvedImage | undefined;
      try {
        for await (const { progress } of connection.stream(ImagesService.push, request)) {
          if (progress?.$case === 'blob') view.show(progress.value);
          if (progress?.$case === 'pushed') pushed = progress.value;
        }
      } finally {
        view.end();
      }
      if (pushed === undefined) return;
      const { digest = '', mediaType = '' } = pushed.target ?? {};
      if (session.wantsJson) session.printJsonLine({ name: pushed.name, digest, mediaType });
      else session.printLine(pushed.name);
    });
};
