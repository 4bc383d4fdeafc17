// `berth snapshots ls`: the snapshots of one snapshotter.
import { type Info, Kind, SnapshotsService } from '../../generated/containerd/services/snapshots/v1/snapshots.js';
import { formatAge } from '../age.js';
import { formatBytes } from '../format-bytes.js';
import { jsonFromMessage } from '../json-value.js';
import { collect } from '../option-list.js';
import { orUndefined } from '../records.js';
import { snapshotterOption, type SnapshotterOptions } from '../snapshotter-option.js';
import type { CommandDefinition } from '../session.js';

const help = `
Filters: name, parent, kind, labels.KEY, in containerd's filter language.
JSON: an array of {name, parent, kind, createdAt, updatedAt, labels}.

Examples:
  berth snapshots ls
  berth snapshots ls --usage -f kind==committed
  berth snapshots ls --snapshotter native -q`;

interface Options extends SnapshotterOptions {
  readonly filter?: string[];
  readonly quiet?: boolean;
  readonly usage?: boolean;
}

const kinds: Readonly<Record<Kind, string>> = {
  [Kind.UNKNOWN]: '',
  [Kind.VIEW]: 'view',
  [Kind.ACTIVE]: 'active',
  [Kind.COMMITTED]: 'committed',
};

export const snapshotsLs: CommandDefinition = (command, session) => {
  command
    .addOption(snapshotterOption())
    .option('-f, --filter <filter>', 'only those that match; several: any of them', collect)
    .option('-q, --quiet', 'names only')
    .option('--usage', 'measure what each takes on the disk, without its parents')
    .addHelpText('after', help)
    .action(async ({ snapshotter, filter: filters = [], quiet, usage }: Options) => {
      const connection = await session.connect();
      const snapshots: Info[] = [];
      for await (const { info } of connection.stream(SnapshotsService.list, { snapshotter, filters })) {
        snapshots.push(...info);
      }
      if (quiet === true) {
        for (const { name } of snapshots) session.printId(name);
        return;
      }
      if (session.wantsJson) {
        return session.printJson(
          snapshots.map(({ name, parent, kind, createdAt, updatedAt, labels }) => ({
            name,
            parent,
            kind: kinds[kind],
            createdAt: jsonFromMessage(createdAt),
            updatedAt: jsonFromMessage(updatedAt),
            labels,
          })),
        );
      }
      const now = Date.now() / 1000;
      const rows: string[][] = [];
      for (const { name, parent, kind, createdAt } of snapshots) {
        const row = [name, parent, kinds[kind], formatAge(now - Number(createdAt?.seconds ?? 0n))];
        if (usage === true) {
          const measured = await orUndefined(() =>
            connection.unary(SnapshotsService.usage, { snapshotter, key: name }),
          );
          row.push(measured === undefined ? '' : formatBytes(Number(measured.size)));
        }
        rows.push(row);
      }
      await session.printTable(['NAME', 'PARENT', 'KIND', 'AGE', ...(usage === true ? ['SIZE'] : [])], rows);
    });
};
