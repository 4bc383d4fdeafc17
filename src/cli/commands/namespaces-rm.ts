// `berth namespaces rm`.
import { NamespacesService } from '../../generated/containerd/services/namespaces/v1/namespace.js';
import { forEachId } from '../each-id.js';
import type { CommandDefinition } from '../session.js';

const help = `
A namespace that still holds containers is refused.

Examples:
  berth namespaces rm build`;

export const namespacesRm: CommandDefinition = (command, session) => {
  command
    .argument('<name...>', 'namespaces')
    .addHelpText('after', help)
    .action(async (names: string[]) => {
      const connection = await session.connect();
      await forEachId(session, names, async (name) => {
        await connection.unary(NamespacesService.delete, { name });
      });
    });
};
