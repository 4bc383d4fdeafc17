// At the start: what a power failure took of unfinished snapshots, which nobody has synced. Whoever syncs a file in one syncs
// the directories that lead to it, so that nothing is lost with them that was promised to stay.
import type { SnapshotStorage } from './snapshot-storage.js';

export async function restoreDirectories({ index, snapshotters, log }: SnapshotStorage): Promise<void> {
  for (const record of index.list(({ kind }) => kind !== 'committed')) {
    const { namespace, key } = record;
    const snapshotter = snapshotters.find(({ name }) => name === record.snapshotter);
    try {
      const wasMissing = await snapshotter?.restore?.(record, index.ancestors(record));
      if (wasMissing === true)
        log.warn('the directory of a snapshot was gone: it is made again, empty', { namespace, key });
    } catch (error) {
      log.error('the directory of a snapshot is gone and cannot be made again', { namespace, key, error });
    }
  }
}
