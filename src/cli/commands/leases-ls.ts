// `berth leases ls`: the leases of the namespace, and what each holds.
import { type Lease, LeasesService, type Resource } from '../../generated/containerd/services/leases/v1/leases.js';
import { formatAge } from '../age.js';
import { jsonFromMessage } from '../json-value.js';
import { orUndefined } from '../records.js';
import type { CommandDefinition } from '../session.js';
import { formatLabels } from '../table.js';

const help = `
JSON: an array of {id, createdAt, labels, resources: [{id, type}]}.

Examples:
  berth leases ls
  berth leases ls 'id~=^pull-'`;

export const leasesLs: CommandDefinition = (command, session) => {
  command
    .argument('[filter...]', "containerd's filters (id, labels.KEY); any one selects")
    .option('-q, --quiet', 'only ids')
    .addHelpText('after', help)
    .action(async (filters: string[], { quiet = false }: { readonly quiet?: boolean }) => {
      const connection = await session.connect();
      const { leases } = await connection.unary(LeasesService.list, { filters });
      if (quiet) {
        for (const { id } of leases) session.printId(id);
        return;
      }
      const found: { readonly lease: Lease; readonly resources: readonly Resource[] }[] = [];
      for (const lease of leases) {
        // One that has ended meanwhile holds nothing.
        const held = await orUndefined(() => connection.unary(LeasesService.listResources, { id: lease.id }));
        found.push({ lease, resources: held?.resources ?? [] });
      }
      if (session.wantsJson) {
        return session.printJson(
          found.map(({ lease, resources }) => ({
            id: lease.id,
            createdAt: jsonFromMessage(lease.createdAt),
            labels: lease.labels,
            resources: resources.map(jsonFromMessage),
          })),
        );
      }
      const now = Date.now() / 1000;
      const rows = found.map(({ lease, resources }) => [
        lease.id,
        formatAge(now - Number(lease.createdAt?.seconds ?? 0n)),
        String(resources.length),
        formatLabels(lease.labels),
      ]);
      await session.printTable(['ID', 'AGE', 'HOLDS', 'LABELS'], rows);
    });
};
