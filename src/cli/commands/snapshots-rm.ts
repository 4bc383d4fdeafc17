// `berth snapshots rm`.
import { SnapshotsService } from '../../generated/containerd/services/snapshots/v1/snapshots.js';
import { forEachId } from '../each-id.js';
import { snapshotterOption, type SnapshotterOptions } from '../snapshotter-option.js';
import type { CommandDefinition } from '../session.js';

const help = `
A snapshot that others are made of is refused: remove those first.

Examples:
  berth snapshots rm scratch`;

export const snapshotsRm: CommandDefinition = (command, session) => {
  command
    .argument('<name...>', 'snapshots')
    .addOption(snapshotterOption())
    .addHelpText('after', help)
    .action(async (names: string[], { snapshotter }: SnapshotterOptions) => {
      const connection = await session.connect();
      await forEachId(session, names, async (key) => {
        await connection.unary(SnapshotsService.remove, { snapshotter, key });
      });
    });
};
