// The option that says whose snapshots a command is about.
import { Option } from 'commander';

export const defaultSnapshotter = 'overlayfs';

export interface SnapshotterOptions {
  readonly snapshotter: string;
}

export function snapshotterOption(): Option {
  return new Option('--snapshotter <name>', 'whose snapshots').default(defaultSnapshotter);
}
