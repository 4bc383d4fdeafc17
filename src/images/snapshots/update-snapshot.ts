// Changes a snapshot's labels.
import { BerthError } from '../../domain/errors.js';
import { keptLabels, withLabelFrom } from '../../domain/labels.js';
import type { Labels } from '../../domain/records.js';
import { type SnapshotKey, snapshotKeyText, type SnapshotRecord } from '../../domain/snapshot.js';
import { nowNanos } from '../../domain/time.js';
import { getSnapshot } from './find-snapshot.js';
import type { SnapshotStorage } from './snapshot-storage.js';

const labelPath = 'labels.';

/** `paths` are a field mask's: `labels`, `labels.KEY`; none replaces all labels. */
export async function updateSnapshot(
  storage: SnapshotStorage,
  update: SnapshotKey & { readonly labels: Labels },
  paths: readonly string[],
): Promise<SnapshotRecord> {
  const { store, index, queue } = storage;
  return await queue.run(snapshotKeyText(getSnapshot(storage, update)), () =>
    store.references.shared(async () => {
      const current = getSnapshot(storage, update);
      let { labels } = current;
      for (const path of paths.length === 0 ? ['labels'] : paths) {
        if (path === 'labels') labels = update.labels;
        else if (path.startsWith(labelPath))
          labels = withLabelFrom(labels, path.slice(labelPath.length), update.labels);
        else throw new BerthError('invalid-argument', `cannot update ${path} field on snapshot ${update.key}`);
      }
      const next = { ...current, labels: keptLabels(labels), updatedAt: nowNanos() };
      await store.commit([store.snapshots.put(next, next)]);
      index.put(next);
      return next;
    }),
  );
}
