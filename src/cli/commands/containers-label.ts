// `berth containers label`: sets and removes labels, or shows them.
import { Container, ContainersService } from '../../generated/containerd/services/containers/v1/containers.js';
import { parseLabelChanges } from '../parse/key-value.js';
import type { CommandDefinition } from '../session.js';
import { getContainer } from '../records.js';
import { formatLabels } from '../table.js';

const help = `
KEY=VALUE sets a label; KEY- or KEY= removes it. Prints the labels that the container then has.

JSON: {id, labels}.

Examples:
  berth containers label web role=frontend tier-
  berth containers label web`;

export const containersLabel: CommandDefinition = (command, session) => {
  command
    .argument('<id>', 'container')
    .argument('[change...]', 'KEY=VALUE or KEY-')
    .addHelpText('after', help)
    .action(async (id: string, changes: string[]) => {
      const labels = parseLabelChanges(changes);
      const connection = await session.connect();
      const paths = Object.keys(labels).map((key) => `labels.${key}`);
      const updated =
        paths.length === 0
          ? await getContainer(connection, id)
          : (
              await connection.unary(ContainersService.update, {
                container: Container.fromPartial({ id, labels }),
                updateMask: paths,
              })
            ).container;
      const now = updated?.labels ?? {};
      if (session.wantsJson) session.printJson({ id, labels: now });
      else session.printLine(formatLabels(now));
    });
};
