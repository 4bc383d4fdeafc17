// Forgets a snapshot that no other stands on: the record goes first, then the directory.
import { failpoint } from '../../base/failpoint.js';
import { BerthError } from '../../domain/errors.js';
import { type SnapshotKey, snapshotKeyText } from '../../domain/snapshot.js';
import type { Change } from '../../store/database.js';
import { releaseFromLease, snapshotResource } from '../lease-resources.js';
import type { Scope } from '../scope.js';
import { snapshotRemoved } from './event-drafts.js';
import { parentKey } from './snapshot-index.js';
import { notFound, type SnapshotStorage, snapshotterNamed } from './snapshot-storage.js';

export interface RemovalRequest {
  readonly snapshotter: string;
  readonly key: string;
}

export async function removeSnapshot(storage: SnapshotStorage, scope: Scope, request: RemovalRequest): Promise<void> {
  const { store, queue, onRemoved } = storage;
  const { name } = snapshotterNamed(storage, request.snapshotter);
  const key = { namespace: scope.namespace, snapshotter: name, key: request.key };
  const release = releaseFromLease(store, scope, snapshotResource(name, request.key));
  await queue.run(snapshotKeyText(key), () => store.references.shared(() => removeRecord(storage, key, release)));
  onRemoved();
}

/** To be called within the gate of references. */
export async function removeRecord(
  { store, index, directories }: SnapshotStorage,
  key: SnapshotKey,
  alsoChange: readonly Change[] = [],
): Promise<void> {
  const record = index.find(key);
  if (record === undefined) throw notFound(key);
  if (index.hasChildren(key)) {
    throw new BerthError('failed-precondition', `cannot remove snapshot ${key.key} with child: failed precondition`);
  }
  index.leave(key);
  try {
    await store.commit([store.snapshots.remove(key), ...alsoChange], [snapshotRemoved(key)]);
  } catch (error) {
    index.stay(key);
    throw error;
  }
  index.remove(key);
  if (record.parent !== '') index.removeChild(parentKey(record));
  failpoint('snapshots.record-removed');
  await directories.remove(record.directory);
}
