// `berth namespaces label`: sets and removes labels, or shows them.
import { NamespacesService } from '../../generated/containerd/services/namespaces/v1/namespace.js';
import { parseLabelChanges } from '../parse/key-value.js';
import type { CommandDefinition } from '../session.js';
import { formatLabels } from '../table.js';

const help = `
KEY=VALUE sets a label; KEY- or KEY= removes it. Prints the labels that the namespace then has.

JSON: {name, labels}.

Examples:
  berth namespaces label build team=ci
  berth namespaces label build team-`;

export const namespacesLabel: CommandDefinition = (command, session) => {
  command
    .argument('<name>', 'namespace')
    .argument('[change...]', 'KEY=VALUE or KEY-')
    .addHelpText('after', help)
    .action(async (name: string, changes: string[]) => {
      const labels = parseLabelChanges(changes);
      const connection = await session.connect();
      const paths = Object.keys(labels).map((key) => `labels.${key}`);
      if (paths.length > 0) {
        await connection.unary(NamespacesService.update, { namespace: { name, labels }, updateMask: paths });
      }
      const { namespace } = await connection.unary(NamespacesService.get, { name });
      const now = namespace?.labels ?? {};
      if (session.wantsJson) session.printJson({ name, labels: now });
      else session.printLine(formatLabels(now));
    });
};
