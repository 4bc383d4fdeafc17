// `berth namespaces ls`.
import { NamespacesService } from '../../generated/containerd/services/namespaces/v1/namespace.js';
import type { CommandDefinition } from '../session.js';
import { formatLabels } from '../table.js';

const help = `
JSON: an array of {name, labels}.

Examples:
  berth namespaces ls`;

export const namespacesLs: CommandDefinition = (command, session) => {
  command
    .option('-q, --quiet', 'only names')
    .addHelpText('after', help)
    .action(async ({ quiet = false }: { readonly quiet?: boolean }) => {
      const connection = await session.connect();
      const { namespaces } = await connection.unary(NamespacesService.list, { filter: '' });
      if (quiet) for (const { name } of namespaces) session.printId(name);
      else if (session.wantsJson) session.printJson(namespaces.map(({ name, labels }) => ({ name, labels })));
      else
        await session.printTable(
          ['NAME', 'LABELS'],
          namespaces.map(({ name, labels }) => [name, formatLabels(labels)]),
        );
    });
};
