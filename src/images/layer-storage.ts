// Snapshots, and the layers that go into and come out of them; all that takes long runs on threads of its own.
import { availableParallelism } from 'node:os';
import { KeyedQueue } from '../base/keyed-queue.js';
import type { LayerWork } from './diff/layer-work.js';
import type { UnpackLimits } from './diff/unpack/unpack-layer.js';
import { DiskPool } from './disk/disk-pool.js';
import { TemporaryMounts } from './disk/temporary-mounts.js';
import type { ImageStorage } from './image-storage.js';
import { collectableSnapshots } from './snapshots/collectable-snapshots.js';
import { openSnapshotStorage, type SnapshotStorage } from './snapshots/snapshot-storage.js';

export interface LayerStorage {
  readonly snapshots: SnapshotStorage;
  readonly work: LayerWork;
  /** Keys: the texts of snapshots that images' layers are unpacked into. */
  readonly unpackQueue: KeyedQueue;
  /** Removes a tree of files, beside whatever else goes on. */
  removeTree(path: string): Promise<void>;
  close(): Promise<void>;
}

export interface LayerStorageOptions {
  readonly root: string;
  readonly images: ImageStorage;
  readonly limits: UnpackLimits;
}

/** Unpacking, packing and copying: more at once would only wait for the disk. */
const maxHeavyThreads = Math.min(4, Math.max(2, availableParallelism()));
/** Measuring and removing, which must not wait for the others. */
const maxSmallThreads = 2;

export async function openLayerStorage({ root, images, limits }: LayerStorageOptions): Promise<LayerStorage> {
  const { store, log, garbage } = images;
  const unpackQueue = new KeyedQueue();
  const heavyPool = new DiskPool({ maxThreads: maxHeavyThreads });
  const pool = new DiskPool({ maxThreads: maxSmallThreads });
  const mounts = await TemporaryMounts.open(root, log);
  const onRemoved = (): void => garbage.schedule();
  const snapshots = await openSnapshotStorage({ root, store, log, pool, heavyPool, mounts, onRemoved });
  garbage.addSnapshots(collectableSnapshots(snapshots));
  return {
    snapshots,
    work: { storage: images, pool: heavyPool, mounts, limits },
    unpackQueue,
    removeTree: async (path) => await pool.run('remove', path),
    close: async () => {
      await Promise.all([heavyPool.close(), pool.close()]);
      await unpackQueue.idle();
      await snapshots.queue.idle();
    },
  };
}
