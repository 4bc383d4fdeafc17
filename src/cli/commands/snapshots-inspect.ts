// `berth snapshots inspect`: one snapshot with its mounts and its size.
import { Kind, SnapshotsService } from '../../generated/containerd/services/snapshots/v1/snapshots.js';
import { type Json, jsonFromMessage } from '../json-value.js';
import { snapshotterOption, type SnapshotterOptions } from '../snapshotter-option.js';
import type { CommandDefinition } from '../session.js';

const help = `
Always JSON: an array of {info, usage: {size, inodes}, mounts}; a committed snapshot has no mounts of its own.

Examples:
  berth snapshots inspect web`;

export const snapshotsInspect: CommandDefinition = (command, session) => {
  command
    .argument('<name...>', 'snapshots')
    .addOption(snapshotterOption())
    .addHelpText('after', help)
    .action(async (names: string[], { snapshotter }: SnapshotterOptions) => {
      const connection = await session.connect();
      const found: Json[] = [];
      for (const key of names) {
        const { info } = await connection.unary(SnapshotsService.stat, { snapshotter, key });
        const { size, inodes } = await connection.unary(SnapshotsService.usage, { snapshotter, key });
        const { mounts } =
          info?.kind === Kind.COMMITTED
            ? { mounts: [] }
            : await connection.unary(SnapshotsService.mounts, { snapshotter, key });
        const usage = { size: jsonFromMessage(size), inodes: jsonFromMessage(inodes) };
        found.push({ info: jsonFromMessage(info), usage, mounts: mounts.map(jsonFromMessage) });
      }
      session.printJson(found);
    });
};
