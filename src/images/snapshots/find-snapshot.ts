// Finds snapshots, and tells what they look like to a client.
import { BerthError } from '../../domain/errors.js';
import { type FieldLookup, mapField, parseFilters } from '../../domain/filter.js';
import type { SnapshotKey, SnapshotRecord, SnapshotUsage } from '../../domain/snapshot.js';
import { notFound, type SnapshotStorage, snapshotterNamed } from './snapshot-storage.js';
import type { SnapshotMount } from './snapshotter.js';

/** `key.snapshotter` may be empty for the default. */
export function getSnapshot(storage: SnapshotStorage, key: SnapshotKey): SnapshotRecord {
  const { name } = snapshotterNamed(storage, key.snapshotter);
  const found = storage.index.find({ ...key, snapshotter: name });
  if (found === undefined) throw notFound(key);
  return found;
}

/** Snapshots of one snapshotter that any of the filters matches (fields: name, kind, parent, labels). */
export function listSnapshots(
  storage: SnapshotStorage,
  { namespace, snapshotter }: Omit<SnapshotKey, 'key'>,
  filters: readonly string[],
): SnapshotRecord[] {
  const { name } = snapshotterNamed(storage, snapshotter);
  const matches = parseFilters(filters);
  return storage.index.list(
    (record) => record.namespace === namespace && record.snapshotter === name && matches(fieldsOf(record)),
  );
}

export function snapshotMounts(storage: SnapshotStorage, key: SnapshotKey): SnapshotMount[] {
  const record = getSnapshot(storage, key);
  if (record.kind === 'committed') {
    throw new BerthError('failed-precondition', `requested snapshot ${key.key} not active or view`);
  }
  return snapshotterNamed(storage, record.snapshotter).mounts(record, storage.index.ancestors(record));
}

export async function snapshotUsage(
  storage: SnapshotStorage,
  key: SnapshotKey,
  signal: AbortSignal,
): Promise<SnapshotUsage> {
  const record = getSnapshot(storage, key);
  if (record.usage !== undefined) return record.usage;
  // A view has nothing of its own.
  if (record.kind === 'view') return { bytes: 0, inodes: 0 };
  const directory = snapshotterNamed(storage, record.snapshotter).ownDirectory(record);
  return await storage.pool.run('measure', directory, { signal });
}

function fieldsOf({ key, kind, parent, labels }: SnapshotRecord): FieldLookup {
  return ([field, ...rest]) => {
    switch (field) {
      case 'name':
        return key;
      case 'kind':
        return kind;
      case 'parent':
        return parent === '' ? undefined : parent;
      case 'labels':
        return mapField(labels, rest);
      default:
        return undefined;
    }
  };
}
