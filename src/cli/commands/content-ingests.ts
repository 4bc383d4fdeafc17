// `berth content ingests`: writes that are not finished, and giving them up.
import { ContentService } from '../../generated/containerd/services/content/v1/content.js';
import { formatAge } from '../age.js';
import { forEachId } from '../each-id.js';
import { formatBytes } from '../format-bytes.js';
import { jsonFromMessage } from '../json-value.js';
import type { CommandDefinition } from '../session.js';

const help = `
JSON: an array of {ref, offset, total, expected, startedAt, updatedAt}.

Examples:
  berth content ingests
  berth content ingests --abort layer-sha256:...`;

export const contentIngests: CommandDefinition = (command, session) => {
  command
    .option('--abort <ref...>', 'give these up')
    .addHelpText('after', help)
    .action(async ({ abort }: { readonly abort?: string[] }) => {
      const connection = await session.connect();
      if (abort !== undefined) {
        return await forEachId(session, abort, async (ref) => {
          await connection.unary(ContentService.abort, { ref });
        });
      }
      const { statuses } = await connection.unary(ContentService.listStatuses, { filters: [] });
      if (session.wantsJson) return session.printJson(statuses.map(jsonFromMessage));
      const now = Date.now() / 1000;
      const rows = statuses.map(({ ref, offset, total, startedAt, updatedAt }) => [
        ref,
        formatBytes(Number(offset)),
        total === 0n ? '' : formatBytes(Number(total)),
        formatAge(now - Number(startedAt?.seconds ?? 0n)),
        formatAge(now - Number(updatedAt?.seconds ?? 0n)),
      ]);
      await session.printTable(['REF', 'HERE', 'TOTAL', 'AGE', 'IDLE'], rows);
    });
};
