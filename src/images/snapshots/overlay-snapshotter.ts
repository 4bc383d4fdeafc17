// Snapshots as layers of an overlay: DIRECTORY/fs holds what is a snapshot's own, DIRECTORY/work is the kernel's.
import { existsSync } from 'node:fs';
import { chmod, lchown, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotRecord } from '../../domain/snapshot.js';
import type { OverlaySupport } from './overlay-support.js';
import type { SnapshotDirectories } from './snapshot-directories.js';
import type { NewSnapshot, SnapshotMount, Snapshotter } from './snapshotter.js';

const contentMode = 0o755;
const workMode = 0o711;

export class OverlaySnapshotter implements Snapshotter {
  readonly name = 'overlayfs';
  readonly #directories: SnapshotDirectories;
  readonly #support: OverlaySupport;

  constructor(directories: SnapshotDirectories, support: OverlaySupport) {
    this.#directories = directories;
    this.#support = support;
  }

  get root(): string {
    return this.#directories.root;
  }

  get unavailable(): string | undefined {
    return this.#support.failure;
  }

  async prepare(snapshot: NewSnapshot, [parent]: readonly SnapshotRecord[]): Promise<void> {
    const content = this.ownDirectory(snapshot);
    // What is seen at the top of the merged tree is the uppermost directory itself.
    const [owner] = await Promise.all([
      parent && lstat(this.ownDirectory(parent)),
      mkdir(content, { mode: contentMode, recursive: true }),
      snapshot.kind === 'active' && mkdir(this.#workDirectory(snapshot), { mode: workMode, recursive: true }),
    ]);
    await Promise.all([
      // Whatever the umask.
      chmod(content, contentMode),
      owner && lchown(content, owner.uid, owner.gid),
    ]);
  }

  async restore(snapshot: NewSnapshot, parents: readonly SnapshotRecord[]): Promise<boolean> {
    const wanted = [
      this.ownDirectory(snapshot),
      ...(snapshot.kind === 'active' ? [this.#workDirectory(snapshot)] : []),
    ];
    if (wanted.every((path) => existsSync(path))) return false;
    await this.#directories.restore(snapshot.directory);
    await this.prepare(snapshot, parents);
    return true;
  }

  mounts(snapshot: SnapshotRecord, parents: readonly SnapshotRecord[]): SnapshotMount[] {
    const own = this.ownDirectory(snapshot);
    const [parent] = parents;
    const isView = snapshot.kind === 'view';
    // An overlay needs a layer below.
    if (parent === undefined) return [bind(own, isView)];
    if (isView && parents.length === 1) return [bind(this.ownDirectory(parent), true)];
    const upper = isView ? [] : [`workdir=${this.#workDirectory(snapshot)}`, `upperdir=${own}`];
    const lowers = parents.map((record) => this.ownDirectory(record)).join(':');
    return [
      { type: 'overlay', source: 'overlay', options: [...this.#support.options, ...upper, `lowerdir=${lowers}`] },
    ];
  }

  ownDirectory(snapshot: Pick<SnapshotRecord, 'directory'>): string {
    return join(this.#directories.path(snapshot.directory), 'fs');
  }

  #workDirectory(snapshot: Pick<SnapshotRecord, 'directory'>): string {
    return join(this.#directories.path(snapshot.directory), 'work');
  }
}

export function bind(source: string, readOnly: boolean): SnapshotMount {
  return { type: 'bind', source, options: [readOnly ? 'ro' : 'rw', 'rbind'] };
}
