// Snapshots as garbage collection sees them.
import { isBerthError } from '../../domain/errors.js';
import type { SnapshotNode, SnapshotSource } from '../gc/snapshot-source.js';
import { removeRecord } from './remove-snapshot.js';
import type { SnapshotStorage } from './snapshot-storage.js';

export function collectableSnapshots(storage: SnapshotStorage): SnapshotSource {
  return {
    async *list(namespace) {
      for (const record of storage.index.list((candidate) => candidate.namespace === namespace)) yield nodeOf(record);
    },
    remove: async (namespace, snapshotter, key) => {
      try {
        await removeRecord(storage, { namespace, snapshotter, key });
      } catch (error) {
        if (!isBerthError(error, 'not-found')) throw error;
      }
    },
  };
}

function nodeOf({ snapshotter, key, parent, labels }: SnapshotNode): SnapshotNode {
  return { snapshotter, key, parent, labels };
}
