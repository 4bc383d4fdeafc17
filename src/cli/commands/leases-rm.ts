// `berth leases rm`: ends leases; what only they held goes with the next garbage collection.
import { LeasesService } from '../../generated/containerd/services/leases/v1/leases.js';
import { forEachId } from '../each-id.js';
import type { CommandDefinition } from '../session.js';

const help = `
Examples:
  berth leases rm build
  berth leases rm --sync build`;

export const leasesRm: CommandDefinition = (command, session) => {
  command
    .argument('<id...>', 'leases')
    .option('--sync', 'wait until what they held is gone')
    .addHelpText('after', help)
    .action(async (ids: string[], { sync = false }: { readonly sync?: boolean }) => {
      const connection = await session.connect();
      await forEachId(session, ids, async (id) => {
        await connection.unary(LeasesService.delete, { id, sync });
      });
    });
};
