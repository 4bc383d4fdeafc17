// `berth namespaces create`.
import { NamespacesService } from '../../generated/containerd/services/namespaces/v1/namespace.js';
import { parseLabels } from '../parse/key-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
Examples:
  berth namespaces create build
  berth namespaces create build team=ci`;

export const namespacesCreate: CommandDefinition = (command, session) => {
  command
    .argument('<name>', 'namespace')
    .argument('[label...]', 'KEY=VALUE')
    .addHelpText('after', help)
    .action(async (name: string, labels: string[]) => {
      const namespace = { name, labels: parseLabels(labels) };
      const connection = await session.connect();
      await connection.unary(NamespacesService.create, { namespace });
      session.printId(name);
    });
};
