// Begins a snapshot: takes the name, makes the directory, then writes the record.
import { failpoint } from '../../base/failpoint.js';
import { UndoStack } from '../../base/undo-stack.js';
import { BerthError } from '../../domain/errors.js';
import { keptLabels } from '../../domain/labels.js';
import type { Labels } from '../../domain/records.js';
import type { SnapshotKey, SnapshotRecord } from '../../domain/snapshot.js';
import { nowNanos } from '../../domain/time.js';
import { knownNamespace } from '../../store/known-namespace.js';
import { holdByLease, snapshotResource } from '../lease-resources.js';
import type { Scope } from '../scope.js';
import { snapshotPrepared } from './event-drafts.js';
import { parentKey } from './snapshot-index.js';
import { notFound, type SnapshotStorage, snapshotterNamed } from './snapshot-storage.js';
import type { SnapshotMount } from './snapshotter.js';

export interface SnapshotRequest {
  /** Empty for the default. */
  readonly snapshotter: string;
  readonly key: string;
  /** A committed snapshot; empty begins with nothing. */
  readonly parent: string;
  readonly kind: 'active' | 'view';
  readonly labels: Labels;
}

/** containerd's label for the committed snapshot that a new one is to become: when that is there, nothing is to be made. */
const targetLabel = 'containerd.io/snapshot.ref';
/** containerd's limit is that of its database's keys, 32,768. */
const maxKeyBytes = 4096;

export async function createSnapshot(
  storage: SnapshotStorage,
  scope: Scope,
  request: SnapshotRequest,
): Promise<SnapshotMount[]> {
  const snapshotter = snapshotterNamed(storage, request.snapshotter);
  const key: SnapshotKey = { namespace: scope.namespace, snapshotter: snapshotter.name, key: request.key };
  checkKey(key.key);
  const labels = keptLabels(request.labels);
  await refuseExistingTarget(storage, scope, { ...key, key: labels[targetLabel] ?? '' });
  const { index, directories } = storage;
  await using undo = new UndoStack();
  index.claim(key);
  try {
    const parents = takeParent(storage, key, request.parent, undo);
    const directory = await directories.make();
    undo.push(() => directories.remove(directory));
    await snapshotter.prepare({ kind: request.kind, directory }, parents);
    if (snapshotter.restore === undefined) await directories.sync(directory);
    failpoint('snapshots.directory-made');
    const now = nowNanos();
    const { parent, kind } = request;
    const record = { ...key, parent, kind, directory, labels, createdAt: now, updatedAt: now };
    await writeRecord(storage, scope, record);
    directories.recorded(directory);
    undo.disarm();
    failpoint('snapshots.record-written');
    return snapshotter.mounts(record, parents);
  } finally {
    index.release(key);
  }
}

export function checkKey(key: string): void {
  if (key === '') throw new BerthError('invalid-argument', 'a snapshot must have a key');
  if (Buffer.byteLength(key) > maxKeyBytes) {
    throw new BerthError(
      'invalid-argument',
      `snapshot ${key.slice(0, 64)}... has a key of more than ${maxKeyBytes} bytes`,
    );
  }
}

/** The call's lease holds the target then, so that it stays for the client who wanted to make it. */
async function refuseExistingTarget(
  { index, store }: SnapshotStorage,
  scope: Scope,
  target: SnapshotKey,
): Promise<void> {
  if (target.key === '') return;
  await store.references.shared(async () => {
    if (index.find(target) === undefined) return;
    const held = await holdByLease(store, scope, snapshotResource(target.snapshotter, target.key));
    if (held.length > 0) await store.commit(held);
    throw new BerthError('already-exists', `target snapshot ${JSON.stringify(target.key)}: already exists`);
  });
}

/** From here on the parent stays. Returns it and its ancestors. */
function takeParent(
  { index }: SnapshotStorage,
  { namespace, snapshotter }: SnapshotKey,
  parent: string,
  undo: UndoStack,
): readonly SnapshotRecord[] {
  if (parent === '') return [];
  const key = parentKey({ namespace, snapshotter, parent });
  const found = index.find(key);
  if (found === undefined) throw new BerthError('not-found', `parent ${notFound(key).message}`);
  if (found.kind !== 'committed') {
    throw new BerthError('invalid-argument', `parent ${JSON.stringify(parent)} is not a committed snapshot`);
  }
  index.addChild(key);
  undo.push(() => index.removeChild(key));
  return [found, ...index.ancestors(found)];
}

async function writeRecord({ store, index }: SnapshotStorage, scope: Scope, record: SnapshotRecord): Promise<void> {
  const { snapshotter, key, parent, kind } = record;
  await store.references.shared(async () => {
    const changes = [
      ...(await knownNamespace(store, scope.namespace)),
      ...(await holdByLease(store, scope, snapshotResource(snapshotter, key))),
      store.snapshots.put(record, record),
    ];
    await store.commit(changes, kind === 'active' ? [snapshotPrepared(record, parent)] : []);
    index.put(record);
  });
}
