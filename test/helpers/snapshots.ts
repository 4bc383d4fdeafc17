// Snapshots of a daemon under test, by the generated client: the same for Berth and for containerd.
import { closeSync, constants, openSync } from 'node:fs';
import { DiffService } from '../../src/generated/containerd/services/diff/v1/diff.js';
import { type Info, Kind, SnapshotsService } from '../../src/generated/containerd/services/snapshots/v1/snapshots.js';
import type { Descriptor } from '../../src/generated/containerd/types/descriptor.js';
import type { Mount } from '../../src/generated/containerd/types/mount.js';
import { mountOn, unmountBelow } from '../../src/linux/mount.js';
import { rootLabel } from './content.js';
import type { TestDaemon } from './daemon.js';
import type { RpcOptions } from './rpc.js';

/** Unpacking may take long on a busy machine. */
const unpackLimitMs = 60_000;

export class Snapshots {
  readonly #daemon: () => TestDaemon;

  constructor(
    daemon: () => TestDaemon,
    readonly snapshotter = 'overlayfs',
  ) {
    this.#daemon = daemon;
  }

  /** Kept by a label unless the test gives its own labels or a lease. */
  async prepare(key: string, parent = '', options: SnapshotOptions = {}): Promise<Mount[]> {
    const { labels = labelsFor(options), ...rpc } = options;
    const { snapshotter } = this;
    return (await this.#daemon().call(SnapshotsService.prepare, { snapshotter, key, parent, labels }, rpc)).mounts;
  }

  async view(key: string, parent = '', options: SnapshotOptions = {}): Promise<Mount[]> {
    const { labels = labelsFor(options), ...rpc } = options;
    const { snapshotter } = this;
    return (await this.#daemon().call(SnapshotsService.view, { snapshotter, key, parent, labels }, rpc)).mounts;
  }

  async mounts(key: string, options: RpcOptions = {}): Promise<Mount[]> {
    const { snapshotter } = this;
    return (await this.#daemon().call(SnapshotsService.mounts, { snapshotter, key }, options)).mounts;
  }

  async commit(name: string, key: string, options: SnapshotOptions = {}): Promise<void> {
    const { labels = labelsFor(options), ...rpc } = options;
    const { snapshotter } = this;
    await this.#daemon().call(SnapshotsService.commit, { snapshotter, name, key, labels, parent: '' }, rpc);
  }

  async remove(key: string, options: RpcOptions = {}): Promise<void> {
    await this.#daemon().call(SnapshotsService.remove, { snapshotter: this.snapshotter, key }, options);
  }

  async stat(key: string, options: RpcOptions = {}): Promise<Info> {
    const { info } = await this.#daemon().call(SnapshotsService.stat, { snapshotter: this.snapshotter, key }, options);
    if (info === undefined) throw new Error(`${key}: no info`);
    return info;
  }

  async update(name: string, labels: Record<string, string>, updateMask: string[] = []): Promise<Info> {
    const info = { name, labels, parent: '', kind: Kind.UNKNOWN, createdAt: undefined, updatedAt: undefined };
    const request = { snapshotter: this.snapshotter, info, updateMask };
    const answer = await this.#daemon().call(SnapshotsService.update, request);
    if (answer.info === undefined) throw new Error(`${name}: no info`);
    return answer.info;
  }

  async usage(key: string): Promise<{ readonly size: bigint; readonly inodes: bigint }> {
    return await this.#daemon().call(SnapshotsService.usage, { snapshotter: this.snapshotter, key });
  }

  /** containerd 1.6 has no such call: its files go with the next collection. */
  async cleanup(): Promise<void> {
    await this.#daemon().call(SnapshotsService.cleanup, { snapshotter: this.snapshotter });
  }

  async list(filters: string[] = [], options: RpcOptions = {}): Promise<Info[]> {
    const stream = this.#daemon().stream(SnapshotsService.list, { snapshotter: this.snapshotter, filters }, options);
    const error = await stream.ended;
    if (error !== undefined) throw error;
    return stream.received.flatMap(({ info }) => info);
  }

  async keys(filters: string[] = [], options: RpcOptions = {}): Promise<string[]> {
    return (await this.list(filters, options)).map(({ name }) => name).sort();
  }

  /** Unpacks a layer of the content store. */
  async apply(mounts: Mount[], digest: string, mediaType: string, options: RpcOptions = {}): Promise<Descriptor> {
    const diff = { digest, mediaType, size: 0n, annotations: {} };
    const request = { diff, mounts, payloads: {}, syncFs: false };
    const { applied } = await this.#daemon().call(DiffService.apply, request, { limitMs: unpackLimitMs, ...options });
    if (applied === undefined) throw new Error(`${digest}: nothing applied`);
    return applied;
  }

  /** Removes everything, children first. */
  async removeAll(options: RpcOptions = {}): Promise<void> {
    for (let left = await this.list([], options); left.length > 0; left = await this.list([], options)) {
      const parents = new Set(left.map(({ parent }) => parent));
      for (const { name } of left) if (!parents.has(name)) await this.remove(name, options);
    }
  }
}

export interface SnapshotOptions extends RpcOptions {
  readonly labels?: Record<string, string>;
}

function labelsFor({ lease }: RpcOptions): Record<string, string> {
  return lease === undefined ? rootLabel : {};
}

/** The directory that shows what is a snapshot's own: the upper one of an overlay, or all of it. */
export function ownDirectory(mounts: readonly Mount[]): string {
  const [mount] = mounts;
  const option = (name: string) => mount?.options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  const path = option('upperdir') ?? option('lowerdir')?.split(':')[0] ?? mount?.source;
  if (path === undefined) throw new Error('no mounts');
  return path;
}

/** Mounts what a client would mount on `path`, for as long as `work` takes. */
export async function mounted<T>(mounts: readonly Mount[], path: string, work: () => T | Promise<T>): Promise<T> {
  closeSync(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
  for (const mount of mounts) mountOn(mount, path);
  try {
    return await work();
  } finally {
    unmountBelow(path);
  }
}
