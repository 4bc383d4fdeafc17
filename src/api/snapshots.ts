// containerd.services.snapshots.v1: root file systems in layers, by snapshotter and key.
import { BerthError } from '../domain/errors.js';
import type { SnapshotKind, SnapshotRecord } from '../domain/snapshot.js';
import { type Info, Kind, SnapshotsService } from '../generated/containerd/services/snapshots/v1/snapshots.js';
import type { Mount } from '../generated/containerd/types/mount.js';
import { commitSnapshot } from '../images/snapshots/commit-snapshot.js';
import { createSnapshot } from '../images/snapshots/create-snapshot.js';
import { getSnapshot, listSnapshots, snapshotMounts, snapshotUsage } from '../images/snapshots/find-snapshot.js';
import { removeSnapshot } from '../images/snapshots/remove-snapshot.js';
import { type SnapshotStorage, snapshotterNamed } from '../images/snapshots/snapshot-storage.js';
import type { SnapshotMount } from '../images/snapshots/snapshotter.js';
import { updateSnapshot } from '../images/snapshots/update-snapshot.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';

/** Snapshots told of in one message, as in containerd. */
const listBatch = 100;

const kinds = { active: Kind.ACTIVE, view: Kind.VIEW, committed: Kind.COMMITTED } satisfies Record<SnapshotKind, Kind>;

export function snapshotsHandlers(storage: SnapshotStorage): Handlers<typeof SnapshotsService> {
  return {
    prepare: async (request, call) => {
      const mounts = await createSnapshot(storage, call.scope(), { ...request, kind: 'active' });
      return { mounts: mounts.map(mountToWire) };
    },
    view: async (request, call) => {
      const mounts = await createSnapshot(storage, call.scope(), { ...request, kind: 'view' });
      return { mounts: mounts.map(mountToWire) };
    },
    mounts: async ({ snapshotter, key }, call) => {
      const mounts = snapshotMounts(storage, { namespace: call.namespace(), snapshotter, key });
      return { mounts: mounts.map(mountToWire) };
    },
    commit: async (request, call) => {
      await commitSnapshot(storage, call.scope(), request);
      return {};
    },
    remove: async (request, call) => {
      await removeSnapshot(storage, call.scope(), request);
      return {};
    },
    stat: async ({ snapshotter, key }, call) => ({
      info: infoToWire(getSnapshot(storage, { namespace: call.namespace(), snapshotter, key })),
    }),
    update: async ({ snapshotter, info, updateMask }, call) => {
      if (info === undefined || info.name === '')
        throw new BerthError('invalid-argument', 'the request names no snapshot');
      const update = { namespace: call.namespace(), snapshotter, key: info.name, labels: info.labels };
      return { info: infoToWire(await updateSnapshot(storage, update, updateMask ?? [])) };
    },
    async *list({ snapshotter, filters }, call) {
      const found = listSnapshots(storage, { namespace: call.namespace(), snapshotter }, filters);
      for (let at = 0; at < found.length; at += listBatch) {
        yield { info: found.slice(at, at + listBatch).map(infoToWire) };
      }
    },
    usage: async ({ snapshotter, key }, call) => {
      const usage = await snapshotUsage(storage, { namespace: call.namespace(), snapshotter, key }, call.signal);
      return { size: BigInt(usage.bytes), inodes: BigInt(usage.inodes) };
    },
    cleanup: async ({ snapshotter }) => {
      snapshotterNamed(storage, snapshotter);
      await storage.directories.settled();
      return {};
    },
  };
}

function mountToWire({ type, source, options }: SnapshotMount): Mount {
  return { type, source, target: '', options: [...options] };
}

function infoToWire({ key, parent, kind, labels, createdAt, updatedAt }: SnapshotRecord): Info {
  return {
    name: key,
    parent,
    kind: kinds[kind],
    createdAt: timestampFromNanos(createdAt),
    updatedAt: timestampFromNanos(updatedAt),
    labels: { ...labels },
  };
}
