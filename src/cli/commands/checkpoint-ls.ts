// `berth checkpoint ls`: the catalogue of the namespace.
import { CheckpointsService } from '../../generated/berth/v1/checkpoints.js';
import { formatAge } from '../age.js';
import { checkpointJson } from '../checkpoint-json.js';
import { formatBytes } from '../format-bytes.js';
import { collect } from '../option-list.js';
import type { CommandDefinition } from '../session.js';

const help = `
Filters: name, container_id, parent, in containerd's filter language.
JSON: an array of what checkpoint inspect shows.

Examples:
  berth checkpoint ls
  berth checkpoint ls --filter container_id==web
  berth checkpoint ls -q`;

interface Options {
  readonly filter?: string[];
  readonly quiet?: boolean;
}

export const checkpointLs: CommandDefinition = (command, session) => {
  command
    .option('-f, --filter <filter>', 'only those that match; several: any of them', collect)
    .option('-q, --quiet', 'names only')
    .addHelpText('after', help)
    .action(async ({ filter: filters = [], quiet }: Options) => {
      const connection = await session.connect();
      const { checkpoints } = await connection.unary(CheckpointsService.list, { filters });
      if (quiet === true) {
        for (const { name } of checkpoints) session.printId(name);
        return;
      }
      if (session.wantsJson) return session.printJson(checkpoints.map(checkpointJson));
      const now = Date.now() / 1000;
      const rows = checkpoints.map(({ name, containerId, createdAt, size, parent, options }) => [
        name,
        containerId,
        formatAge(now - Number(createdAt?.seconds ?? 0n)),
        formatBytes(Number(size)),
        options?.exit === true ? 'exit' : options?.preDump === true ? 'pre-dump' : 'running',
        parent,
      ]);
      await session.printTable(['NAME', 'CONTAINER', 'AGE', 'SIZE', 'LEFT', 'PARENT'], rows);
    });
};
