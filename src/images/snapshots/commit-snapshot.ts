// Turns an active snapshot into a committed one, under another name. Its directory stays where it is.
import { failpoint } from '../../base/failpoint.js';
import { BerthError } from '../../domain/errors.js';
import { keptLabels } from '../../domain/labels.js';
import type { Labels } from '../../domain/records.js';
import { type SnapshotKey, snapshotKeyText, type SnapshotRecord, type SnapshotUsage } from '../../domain/snapshot.js';
import { nowNanos } from '../../domain/time.js';
import { holdByLease, releaseFromLease, snapshotResource } from '../lease-resources.js';
import type { Scope } from '../scope.js';
import { checkKey } from './create-snapshot.js';
import { snapshotCommitted } from './event-drafts.js';
import { notFound, type SnapshotStorage, snapshotterNamed } from './snapshot-storage.js';

export interface CommitRequest {
  readonly snapshotter: string;
  /** Of the active snapshot. */
  readonly key: string;
  /** What it is known by from now on. */
  readonly name: string;
  /** Its labels from now on: those it had go. */
  readonly labels: Labels;
  /** Another parent than it has; empty keeps it. */
  readonly parent: string;
}

export async function commitSnapshot(storage: SnapshotStorage, scope: Scope, request: CommitRequest): Promise<void> {
  const { index, queue, pool, directories } = storage;
  const snapshotter = snapshotterNamed(storage, request.snapshotter);
  const place = { namespace: scope.namespace, snapshotter: snapshotter.name };
  const [key, name] = [request.key, request.name].map((text): SnapshotKey => ({ ...place, key: text }));
  if (key === undefined || name === undefined) return;
  checkKey(name.key);
  const labels = keptLabels(request.labels);
  await queue.run(snapshotKeyText(key), async () => {
    index.claim(name);
    try {
      const active = activeSnapshot(storage, key, request.parent);
      const measuring = pool.run('measure', snapshotter.ownDirectory(active));
      const [usage] = await Promise.all([measuring, directories.sync(active.directory)]);
      failpoint('snapshots.measured');
      await writeRecord(storage, scope, { key, name, labels, usage });
    } finally {
      index.release(name);
    }
  });
  failpoint('snapshots.committed');
}

function activeSnapshot({ index }: SnapshotStorage, key: SnapshotKey, parent: string): SnapshotRecord {
  const found = index.find(key);
  if (found === undefined) throw notFound(key);
  if (found.kind !== 'active') throw new BerthError('failed-precondition', `snapshot ${key.key} is not active`);
  if (parent !== '' && parent !== found.parent) {
    throw new BerthError('unimplemented', `snapshot ${key.key} cannot be put on another parent`);
  }
  return found;
}

interface NewName {
  readonly key: SnapshotKey;
  readonly name: SnapshotKey;
  readonly labels: Labels;
  readonly usage: SnapshotUsage;
}

async function writeRecord(
  storage: SnapshotStorage,
  scope: Scope,
  { key, name, labels, usage }: NewName,
): Promise<void> {
  const { store, index } = storage;
  await store.references.shared(async () => {
    // Garbage collection may have come first.
    const active = activeSnapshot(storage, key, '');
    const now = nowNanos();
    const record = { ...active, ...name, kind: 'committed', labels, usage, createdAt: now, updatedAt: now } as const;
    const changes = [
      store.snapshots.remove(key),
      store.snapshots.put(name, record),
      ...releaseFromLease(store, scope, snapshotResource(key.snapshotter, key.key)),
      ...(await holdByLease(store, scope, snapshotResource(name.snapshotter, name.key))),
    ];
    await store.commit(changes, [snapshotCommitted(key, name.key)]);
    index.put(record);
    index.remove(key);
  });
}
