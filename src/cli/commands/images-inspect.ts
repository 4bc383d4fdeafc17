// `berth images inspect`: all that is known of images.
import { ImagesService } from '../../generated/berth/v1/images.js';
import { recordedImageName } from '../image-name.js';
import { type Json, jsonFromMessage } from '../json-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
Always JSON: an array of {name, target, labels, createdAt, updatedAt, size, platforms, manifest, configuration, layers:
[{blob, diffId, chainId, snapshotters}], config}; config is the image's own configuration for the platform.

Examples:
  berth images inspect alpine
  berth images inspect --platform linux/arm64 alpine`;

export const imagesInspect: CommandDefinition = (command, session) => {
  command
    .argument('<image...>', 'images')
    .option('--platform <os/arch[/variant]>', "whose configuration to show; the host's")
    .addHelpText('after', help)
    .action(async (names: string[], { platform = '' }: { readonly platform?: string }) => {
      const connection = await session.connect();
      const found: Json[] = [];
      for (const text of names) {
        const image = await recordedImageName(connection, text);
        const {
          configurationContent,
          image: summary,
          ...rest
        } = await connection.unary(ImagesService.inspect, {
          image,
          platform,
        });
        found.push({
          ...membersOf(jsonFromMessage(summary)),
          ...membersOf(jsonFromMessage(rest)),
          config: JSON.parse(Buffer.from(configurationContent).toString('utf8')) as Json,
        });
      }
      session.printJson(found);
    });
};

function membersOf(value: Json): { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
