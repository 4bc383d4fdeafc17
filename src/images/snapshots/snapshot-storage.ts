// What every verb of this folder works with.
import { KeyedQueue } from '../../base/keyed-queue.js';
import type { Log } from '../../base/log.js';
import { BerthError } from '../../domain/errors.js';
import type { SnapshotKey } from '../../domain/snapshot.js';
import type { Store } from '../../store/store.js';
import type { DiskPool } from '../disk/disk-pool.js';
import type { TemporaryMounts } from '../disk/temporary-mounts.js';
import { NativeSnapshotter } from './native-snapshotter.js';
import { OverlaySnapshotter } from './overlay-snapshotter.js';
import { probeOverlay } from './overlay-support.js';
import { restoreDirectories } from './restore-directories.js';
import { SnapshotDirectories } from './snapshot-directories.js';
import { SnapshotIndex } from './snapshot-index.js';
import type { Snapshotter } from './snapshotter.js';

export interface SnapshotStorage {
  readonly store: Store;
  readonly log: Log;
  readonly index: SnapshotIndex;
  readonly directories: SnapshotDirectories;
  readonly snapshotters: readonly Snapshotter[];
  /** Keys: snapshots' texts. A snapshot that is there is changed in here only; garbage collection alone stands above it. */
  readonly queue: KeyedQueue;
  /** Measures and removes. */
  readonly pool: DiskPool;
  /** Told when something that kept other things was removed. */
  readonly onRemoved: () => void;
}

export interface SnapshotStorageOptions {
  readonly root: string;
  readonly store: Store;
  readonly log: Log;
  /** For small work: measuring and removing. */
  readonly pool: DiskPool;
  /** For work that may take minutes: copying. */
  readonly heavyPool: DiskPool;
  readonly mounts: TemporaryMounts;
  readonly onRemoved: () => void;
}

/** Loads the records, and removes the directories that none of them names. */
export async function openSnapshotStorage(options: SnapshotStorageOptions): Promise<SnapshotStorage> {
  const { root, store, log, pool, heavyPool, mounts, onRemoved } = options;
  const index = await SnapshotIndex.load(store);
  const directories = await SnapshotDirectories.open(root, pool, log);
  await directories.sweep(index.directories());
  const support = await mounts.useDirectory((path) => probeOverlay(path));
  if (support.failure !== undefined) log.warn('overlays cannot be mounted here', { reason: support.failure });
  const snapshotters = [new OverlaySnapshotter(directories, support), new NativeSnapshotter(directories, heavyPool)];
  const storage = { store, log, index, directories, snapshotters, queue: new KeyedQueue(), pool, onRemoved };
  await restoreDirectories(storage);
  return storage;
}

/** `invalid-argument` for one that is not known, or cannot be used here. Empty means the first that can. */
export function snapshotterNamed({ snapshotters }: Pick<SnapshotStorage, 'snapshotters'>, name: string): Snapshotter {
  const found = snapshotters.find((candidate) =>
    name === '' ? candidate.unavailable === undefined : candidate.name === name,
  );
  if (found === undefined) throw new BerthError('invalid-argument', `snapshotter not loaded: ${name}`);
  if (found.unavailable !== undefined) {
    throw new BerthError('invalid-argument', `snapshotter ${found.name} cannot be used here: ${found.unavailable}`);
  }
  return found;
}

export function notFound({ key }: Pick<SnapshotKey, 'key'>): BerthError {
  return new BerthError('not-found', `snapshot ${key} does not exist: not found`);
}
