// What garbage collection needs of whoever keeps snapshots.
import type { Labels } from '../../domain/records.js';

export interface SnapshotNode {
  readonly snapshotter: string;
  readonly key: string;
  /** The key of the parent in the same snapshotter; empty for none. */
  readonly parent: string;
  readonly labels: Labels;
}

export interface SnapshotSource {
  /** Every snapshot of one namespace, active and committed ones. */
  list(namespace: string): AsyncIterable<SnapshotNode>;
  /**
   * Removes the record of a snapshot that nothing refers to; children come before their parents, and one that is
   * already gone is no error. It is called with `store.references` held alone: it must neither ask for that gate nor
   * wait for anybody who does. Files that take long are left for `sweep`.
   */
  remove(namespace: string, snapshotter: string, key: string): Promise<void>;
  /** Removes the files that no record owns; called after each collection, with the gate open. */
  sweep?(): Promise<void>;
}
