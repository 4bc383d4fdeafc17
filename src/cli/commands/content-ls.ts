// `berth content ls`: the blobs that the namespace sees.
import { ContentService, type Info } from '../../generated/containerd/services/content/v1/content.js';
import { formatAge } from '../age.js';
import { formatBytes } from '../format-bytes.js';
import { jsonFromMessage } from '../json-value.js';
import { collect } from '../option-list.js';
import type { CommandDefinition } from '../session.js';
import { formatLabels } from '../table.js';

const help = `
Filters: digest, size, labels.KEY, in containerd's filter language.
JSON: an array of {digest, size, createdAt, updatedAt, labels}.

Examples:
  berth content ls
  berth content ls -q`;

interface Options {
  readonly filter?: string[];
  readonly quiet?: boolean;
}

export const contentLs: CommandDefinition = (command, session) => {
  command
    .option('-f, --filter <filter>', 'only those that match; several: any of them', collect)
    .option('-q, --quiet', 'digests only')
    .addHelpText('after', help)
    .action(async ({ filter: filters = [], quiet }: Options) => {
      const connection = await session.connect();
      const blobs: Info[] = [];
      for await (const { info } of connection.stream(ContentService.list, { filters })) blobs.push(...info);
      if (quiet === true) {
        for (const { digest } of blobs) session.printId(digest);
        return;
      }
      if (session.wantsJson) return session.printJson(blobs.map(jsonFromMessage));
      const now = Date.now() / 1000;
      const rows = blobs.map(({ digest, size, createdAt, labels }) => [
        digest,
        formatBytes(Number(size)),
        formatAge(now - Number(createdAt?.seconds ?? 0n)),
        formatLabels(labels),
      ]);
      await session.printTable(['DIGEST', 'SIZE', 'AGE', 'LABELS'], rows);
    });
};
