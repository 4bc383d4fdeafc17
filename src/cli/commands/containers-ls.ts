// `berth containers ls`: container records.
import { jsonFromTimestamp } from '../json-value.js';
import { listContainers } from '../records.js';
import type { CommandDefinition } from '../session.js';
import { formatLabels } from '../table.js';

const help = `
JSON: an array of {id, image, runtime, snapshotter, snapshotKey, createdAt, updatedAt, labels}.

Examples:
  berth containers ls
  berth containers ls 'labels.role==web' 'id~=^test-'`;

export const containersLs: CommandDefinition = (command, session) => {
  command
    .argument('[filter...]', "containerd's filters; any one selects")
    .option('-q, --quiet', 'only ids')
    .addHelpText('after', help)
    .action(async (filters: string[], { quiet = false }: { readonly quiet?: boolean }) => {
      const containers = await listContainers(await session.connect(), filters);
      if (quiet) {
        for (const { id } of containers) session.printId(id);
      } else if (session.wantsJson) {
        session.printJson(
          containers.map(({ id, image, runtime, snapshotter, snapshotKey, createdAt, updatedAt, labels }) => ({
            id,
            image,
            runtime: runtime?.name ?? '',
            snapshotter,
            snapshotKey,
            createdAt: jsonFromTimestamp(createdAt),
            updatedAt: jsonFromTimestamp(updatedAt),
            labels,
          })),
        );
      } else {
        const rows = containers.map(({ id, image, runtime, labels }) => [
          id,
          image,
          runtime?.name ?? '',
          formatLabels(labels),
        ]);
        await session.printTable(['ID', 'IMAGE', 'RUNTIME', 'LABELS'], rows);
      }
    });
};
