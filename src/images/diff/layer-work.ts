// What unpacking and making layers work with.
import type { DiskPool } from '../disk/disk-pool.js';
import type { TemporaryMounts } from '../disk/temporary-mounts.js';
import type { ImageStorage } from '../image-storage.js';
import type { UnpackLimits } from './unpack/unpack-layer.js';

export interface LayerWork {
  readonly storage: ImageStorage;
  readonly pool: DiskPool;
  readonly mounts: TemporaryMounts;
  readonly limits: UnpackLimits;
}
