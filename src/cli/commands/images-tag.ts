// `berth images tag`: one more name for an image.
import { isBerthError } from '../../domain/errors.js';
import { fullImageName } from '../../domain/image-reference.js';
import { ImagesService } from '../../generated/containerd/services/images/v1/images.js';
import { recordedImageName } from '../image-name.js';
import type { CommandDefinition } from '../session.js';

const help = `
A name that means something else already is refused, unless --force lets it mean this from now on.

Examples:
  berth images tag alpine registry.example.com/team/base:1
  berth images tag --force app:1.2 app:latest`;

export const imagesTag: CommandDefinition = (command, session) => {
  command
    .argument('<image>', 'image that is here')
    .argument('<name...>', 'new names')
    .option('--force', 'also where the name is taken')
    .addHelpText('after', help)
    .action(async (text: string, names: string[], { force = false }: { readonly force?: boolean }) => {
      const connection = await session.connect();
      const { image } = await connection.unary(ImagesService.get, { name: await recordedImageName(connection, text) });
      for (const name of names.map(fullImageName)) {
        const draft = {
          name,
          labels: image?.labels ?? {},
          target: image?.target,
          createdAt: undefined,
          updatedAt: undefined,
        };
        try {
          await connection.unary(ImagesService.create, { image: draft, sourceDateEpoch: undefined });
        } catch (error) {
          if (!force || !isBerthError(error, 'already-exists')) throw error;
          const update = { image: draft, updateMask: ['target'], sourceDateEpoch: undefined };
          await connection.unary(ImagesService.update, update);
        }
        session.printId(name);
      }
    });
};
