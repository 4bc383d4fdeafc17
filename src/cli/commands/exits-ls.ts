// `berth exits ls`: how processes ended, also of containers that are gone.
import { ExitsService } from '../../generated/berth/v1/exits.js';
import { exitCells, exitHeaders, exitJson } from '../exit-record.js';
import { collect } from '../option-list.js';
import type { CommandDefinition } from '../session.js';

const help = `
LEARNT tells how: waited (from the process itself), pidfd (from the kernel, after its shim had died), journal (from what
a dead shim had written), shim (a shim that is not Berth's own has said so), unknown (nobody knows the status, and none
is made up).
Filters are containerd's, over container_id, exec_id and the other fields; any one selects an exit.

JSON: an array of {namespace, containerId, execId, pid, exitStatus, signal, exitedAt, oomKilled, provenance}; exitStatus
is null where it is unknown.

Examples:
  berth exits ls
  berth exits ls --filter container_id==web`;

export const exitsLs: CommandDefinition = (command, session) => {
  command
    .option('-f, --filter <filter>', 'only those that match; several: any of them', collect)
    .addHelpText('after', help)
    .action(async ({ filter: filters = [] }: { readonly filter?: string[] }) => {
      const connection = await session.connect();
      const { exits } = await connection.unary(ExitsService.list, { filters });
      if (session.wantsJson) return session.printJson(exits.map(exitJson));
      await session.printTable(
        exitHeaders,
        exits.map((exit) => exitCells(exit)),
      );
    });
};
