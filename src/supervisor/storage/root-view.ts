// Where a container's root file system can be seen. There are never two overlays on the same directories: one that is
// mounted already, by the container's shim or on the host, is bound.
import { join } from 'node:path';
import { BerthError } from '../../domain/errors.js';
import type { ContainerKey } from '../../domain/ids.js';
import type { ContainerRecord } from '../../domain/records.js';
import { readOnlyMounts } from '../../images/diff/layer-mounts.js';
import { snapshotMounts } from '../../images/snapshots/find-snapshot.js';
import { isMountedBelow, type Mount } from '../../linux/mount.js';
import { parseJsonObject } from '../../domain/oci-spec.js';
import type { Supervisor } from '../supervisor.js';

export function rootMountPath({ stateDirectory }: Supervisor, { namespace, id }: ContainerKey): string {
  return join(rootMountsDirectory(stateDirectory), namespace, id);
}

export function rootMountsDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'mounts');
}

/** What shows the root file system; whether it is one that is mounted already. */
export function rootSource(
  supervisor: Supervisor,
  container: ContainerRecord,
): { readonly mounts: readonly Mount[]; readonly isShared: boolean } {
  const shared = [taskRoot(supervisor, container), rootMountPath(supervisor, container)].find(
    (path) => path !== undefined && isMountedBelow(path),
  );
  if (shared !== undefined) return { mounts: [bindOf(shared)], isShared: true };
  if (container.snapshotKey !== '') return { mounts: containerMounts(supervisor, container), isShared: false };
  return { mounts: [bindOf(specRoot(container))], isShared: true };
}

/** Gives `work` a directory that shows the root file system, read only. `aborted` where the container went meanwhile. */
export async function withRootView<T>(
  supervisor: Supervisor,
  container: ContainerRecord,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const { mounts } = rootSource(supervisor, container);
  const result = await supervisor.layers.work.mounts.use(readOnlyMounts(mounts), work);
  checkStillThere(supervisor, container);
  return result;
}

/** The record of a snapshot goes before its files do: while it is there, they were whole. */
export function checkStillThere({ layers }: Supervisor, container: ContainerRecord): void {
  const { namespace, snapshotter, snapshotKey, id } = container;
  if (snapshotKey === '') return;
  if (layers.snapshots.index.find({ namespace, snapshotter, key: snapshotKey }) !== undefined) return;
  throw new BerthError('aborted', `container ${id} was removed meanwhile`);
}

/** The mounts of the container's snapshot. */
export function containerMounts({ layers }: Supervisor, container: ContainerRecord): Mount[] {
  const { namespace, snapshotter, snapshotKey } = container;
  const mounts = snapshotMounts(layers.snapshots, { namespace, snapshotter, key: snapshotKey });
  return mounts.map((mount) => ({ ...mount, target: '' }));
}

function taskRoot({ tasks }: Supervisor, key: ContainerKey): string | undefined {
  const task = tasks.find(key);
  return task === undefined ? undefined : join(task.record.bundle, 'rootfs');
}

function specRoot({ id, spec }: ContainerRecord): string {
  const parsed = parseJsonObject(`the spec of container ${id}`, spec?.value ?? new Uint8Array());
  const { root } = parsed as { readonly root?: { readonly path?: unknown } };
  const path = root?.path;
  if (typeof path === 'string' && path.startsWith('/')) return path;
  throw new BerthError(
    'failed-precondition',
    `container ${id} has no root file system: neither a snapshot nor a directory`,
  );
}

function bindOf(source: string): Mount {
  return { type: 'bind', source, target: '', options: ['bind', 'rw'] };
}
