// `berth images rm`: forgets images; what only they kept goes with the next garbage collection.
import { ImagesService } from '../../generated/containerd/services/images/v1/images.js';
import { forEachId } from '../each-id.js';
import { recordedImageName } from '../image-name.js';
import type { CommandDefinition } from '../session.js';

const help = `
Containers of an image keep what they need of it. Content and snapshots that nothing keeps any more go with the next
garbage collection, a moment later; with --sync before this command ends.

Examples:
  berth images rm alpine
  berth images rm --sync registry.example.com/team/app:1.1 registry.example.com/team/app:1.2`;

export const imagesRm: CommandDefinition = (command, session) => {
  command
    .argument('<image...>', 'images')
    .option('--sync', 'wait until what they kept is gone')
    .addHelpText('after', help)
    .action(async (names: string[], { sync = false }: { readonly sync?: boolean }) => {
      const connection = await session.connect();
      await forEachId(session, names, async (text) => {
        const name = await recordedImageName(connection, text);
        await connection.unary(ImagesService.delete, { name, sync, target: undefined });
      });
    });
};
