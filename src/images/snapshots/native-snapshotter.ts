// Snapshots as whole copies of their parents, for hosts without overlays.
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotRecord } from '../../domain/snapshot.js';
import type { DiskPool } from '../disk/disk-pool.js';
import { bind } from './overlay-snapshotter.js';
import type { SnapshotDirectories } from './snapshot-directories.js';
import type { NewSnapshot, SnapshotMount, Snapshotter } from './snapshotter.js';

const contentMode = 0o755;

export class NativeSnapshotter implements Snapshotter {
  readonly name = 'native';
  readonly unavailable = undefined;
  readonly #directories: SnapshotDirectories;
  readonly #pool: DiskPool;

  constructor(directories: SnapshotDirectories, pool: DiskPool) {
    this.#directories = directories;
    this.#pool = pool;
  }

  get root(): string {
    return this.#directories.root;
  }

  async prepare(snapshot: NewSnapshot, [parent]: readonly SnapshotRecord[]): Promise<void> {
    const content = this.ownDirectory(snapshot);
    await mkdir(content, { mode: contentMode });
    await chmod(content, contentMode);
    // A view shows the parent itself.
    if (parent === undefined || snapshot.kind === 'view') return;
    await this.#pool.run('copy', { from: this.ownDirectory(parent), to: content });
  }

  mounts(snapshot: SnapshotRecord, [parent]: readonly SnapshotRecord[]): SnapshotMount[] {
    const isView = snapshot.kind === 'view';
    return [bind(this.ownDirectory(isView ? (parent ?? snapshot) : snapshot), isView)];
  }

  ownDirectory(snapshot: Pick<SnapshotRecord, 'directory'>): string {
    return join(this.#directories.path(snapshot.directory), 'fs');
  }
}
