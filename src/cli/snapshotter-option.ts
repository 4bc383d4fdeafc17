// The option that says whose snapshots a command is about.
import { Option } from 'commander';

export interface SnapshotterOptions {
  readonly snapshotter: string;
}

export function snapshotterOption(): Option {
  // Empty is the daemon's own default, which is not overlayfs where overlays cannot be mounted.
  return new Option('--snapshotter <name>', 'whose snapshots').default('', "the daemon's default");
}
