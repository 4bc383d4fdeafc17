// `berth content rm`: forgets blobs, whoever needs them.
import { ContentService } from '../../generated/containerd/services/content/v1/content.js';
import { forEachId } from '../each-id.js';
import type { CommandDefinition } from '../session.js';

const help = `
A blob that an image needs is removed all the same: the image then lacks it, and a pull brings it back.

Examples:
  berth content rm sha256:...`;

export const contentRm: CommandDefinition = (command, session) => {
  command
    .argument('<digest...>', 'blobs')
    .addHelpText('after', help)
    .action(async (digests: string[]) => {
      const connection = await session.connect();
      await forEachId(session, digests, async (digest) => {
        await connection.unary(ContentService.delete, { digest });
      });
    });
};
