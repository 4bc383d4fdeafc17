// One way of keeping snapshots in directories.
import type { SnapshotRecord } from '../../domain/snapshot.js';

/** As containerd.types.Mount. */
export interface SnapshotMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface Snapshotter {
  readonly name: string;
  /** The directory below which it keeps everything. */
  readonly root: string;
  /** Why it cannot be used here; undefined when it can. */
  readonly unavailable: string | undefined;
  /** Makes the contents of the snapshot's directory, which is there and empty. `parents` begin with the next one. */
  prepare(snapshot: NewSnapshot, parents: readonly SnapshotRecord[]): Promise<void>;
  /**
   * Makes what a power failure took of an unfinished snapshot again, and says whether anything was missing. Only what
   * begins empty can be: the directories of a snapshotter without this are synced before the record that names them.
   */
  restore?(snapshot: NewSnapshot, parents: readonly SnapshotRecord[]): Promise<boolean>;
  /** What a client mounts to see it; of an active one or a view only. */
  mounts(snapshot: SnapshotRecord, parents: readonly SnapshotRecord[]): SnapshotMount[];
  /** The directory that holds what is the snapshot's own. */
  ownDirectory(snapshot: Pick<SnapshotRecord, 'directory'>): string;
}

export type NewSnapshot = Pick<SnapshotRecord, 'kind' | 'directory'>;
