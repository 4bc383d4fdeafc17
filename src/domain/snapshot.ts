// Snapshots: what Berth remembers of each, and what they are known by.
import type { Labels } from './records.js';
import type { UnixNanos } from './time.js';

/** `active` is written to, `view` only read, `committed` may be a parent. */
export type SnapshotKind = 'active' | 'view' | 'committed';

export interface SnapshotKey {
  readonly namespace: string;
  readonly snapshotter: string;
  /** The client's name for it: any characters. */
  readonly key: string;
}

export interface SnapshotUsage {
  /** Its own alone, the parents' not counted; a file with several names counts once. */
  readonly bytes: number;
  readonly inodes: number;
}

export interface SnapshotRecord extends SnapshotKey {
  /** The key of the parent; empty for none. */
  readonly parent: string;
  readonly kind: SnapshotKind;
  /** The number of its directory, never used twice at one time. */
  readonly directory: number;
  readonly labels: Labels;
  readonly createdAt: UnixNanos;
  readonly updatedAt: UnixNanos;
  /** Of a committed one, as it was committed. */
  readonly usage?: SnapshotUsage;
}

/** Names of namespaces and snapshotters have no slash, so that different keys have different texts. */
export function snapshotKeyText({ namespace, snapshotter, key }: SnapshotKey): string {
  return `${namespace}/${snapshotter}/${key}`;
}
