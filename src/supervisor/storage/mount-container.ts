// Shows a container's root file system on the host, and takes it away again. Mounts are counted on record; a mount is made
// before its record and goes before it, so that one without the other is what a crash has left.
import { mkdirSync, rmdirSync } from 'node:fs';
import { failpoint } from '../../base/failpoint.js';
import { UndoStack } from '../../base/undo-stack.js';
import { BerthError, messageOf } from '../../domain/errors.js';
import { type ContainerKey, keyString } from '../../domain/ids.js';
import type { ContainerRecord } from '../../domain/records.js';
import type { RootMountRecord } from '../../domain/storage-records.js';
import { nowNanos } from '../../domain/time.js';
import type { Mount as WireMount } from '../../generated/containerd/types/mount.js';
import { isSystemError } from '../../linux/libc.js';
import { isMountedBelow, type Mount, mountOn, unmountBelow, unmountIfIdle } from '../../linux/mount.js';
import { getContainer } from '../get-container.js';
import type { Supervisor } from '../supervisor.js';
import { containerMounts, rootMountPath, rootSource } from './root-view.js';
import { labelledMounts } from './mount-label.js';

export interface RootMount extends RootMountRecord {
  readonly path: string;
}

/** Nobody but root comes near what containers hold, such as setuid programs. */
const directoryMode = 0o700;
const maxCount = 1_000_000;

export function mountContainer(supervisor: Supervisor, key: ContainerKey, label: string): Promise<RootMount> {
  const { store, queue } = supervisor;
  return queue.run(keyString(key), async () => {
    const container = await getContainer(supervisor, key);
    const path = rootMountPath(supervisor, key);
    const current = isMountedBelow(path) ? await store.rootMounts.get(key) : undefined;
    if (current !== undefined) {
      if (label !== '' && label !== current.label) throw labelled(key, 'is mounted without that label');
      if (current.count >= maxCount) throw new BerthError('resource-exhausted', `container ${key.id}: too many mounts`);
      return { ...(await keep(supervisor, { ...current, count: current.count + 1 })), path };
    }
    await using undo = new UndoStack();
    mkdirSync(path, { recursive: true, mode: directoryMode });
    undo.push(() => removeMountPoint(path));
    mountRoot(supervisor, container, path, label);
    failpoint('storage.mounted');
    const { namespace, id } = key;
    const record = await keep(supervisor, { namespace, id, count: 1, label, mountedAt: nowNanos() });
    undo.disarm();
    failpoint('storage.mount-recorded');
    return { ...record, path };
  });
}

/** Returns how many mounts are left to be undone. */
export function unmountContainer(
  supervisor: Supervisor,
  key: ContainerKey,
  { force }: { readonly force: boolean },
): Promise<number> {
  const { store, queue } = supervisor;
  return queue.run(keyString(key), async () => {
    await getContainer(supervisor, key);
    const current = await store.rootMounts.get(key);
    if (current === undefined && !force) {
      throw new BerthError('failed-precondition', `container ${key.id} is not mounted`);
    }
    if (current !== undefined && current.count > 1 && !force) {
      return (await keep(supervisor, { ...current, count: current.count - 1 })).count;
    }
    const path = rootMountPath(supervisor, key);
    if (!force && !unmountIfIdle(path)) {
      throw new BerthError('failed-precondition', `the root file system of container ${key.id} is in use at ${path}`);
    }
    removeMountPoint(path);
    failpoint('storage.unmounted');
    if (current !== undefined) await store.commit([store.rootMounts.remove(key)]);
    return 0;
  });
}

/** Of one namespace. */
export async function listRootMounts(supervisor: Supervisor, namespace: string): Promise<RootMount[]> {
  const mounts: RootMount[] = [];
  for await (const record of supervisor.store.rootMounts.list(`${namespace}/`)) {
    mounts.push({ ...record, path: rootMountPath(supervisor, record) });
  }
  return mounts;
}

/** `failed-precondition` while the container is shown on the host: its files must not go from under it. */
export async function refuseMounted({ store }: Supervisor, key: ContainerKey): Promise<void> {
  if ((await store.rootMounts.get(key)) === undefined) return;
  throw new BerthError('failed-precondition', `container ${key.id} is mounted on the host: unmount it first`);
}

/** What the shim mounts: the one on the host where there is one, since two overlays must not share their directories. */
export async function taskRootfs(
  supervisor: Supervisor,
  container: ContainerRecord,
  wanted: WireMount[],
): Promise<WireMount[]> {
  if (wanted.length === 0 || container.snapshotKey === '') return wanted;
  if ((await supervisor.store.rootMounts.get(container)) === undefined) return wanted;
  const path = rootMountPath(supervisor, container);
  if (!isMountedBelow(path) || !isSame(wanted, containerMounts(supervisor, container))) return wanted;
  return [{ type: 'bind', source: path, target: '', options: ['bind', 'rw'] }];
}

/** Takes away whatever is mounted there, and the directory. Never removes through a mount. */
export function removeMountPoint(path: string): void {
  unmountBelow(path);
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
}

function mountRoot(supervisor: Supervisor, container: ContainerRecord, path: string, label: string): void {
  const { mounts, isShared } = rootSource(supervisor, container);
  if (label !== '' && isShared)
    throw labelled(
      container,
      'is a directory, or has a task that has it mounted: a label goes with a mount of its own',
    );
  try {
    for (const mount of label === '' ? mounts : labelledMounts(mounts, label)) mountOn(mount, path);
  } catch (error) {
    const message = `the root file system of container ${container.id} cannot be mounted: ${messageOf(error)}`;
    throw new BerthError('failed-precondition', message, { cause: error });
  }
}

async function keep({ store }: Supervisor, record: RootMountRecord): Promise<RootMountRecord> {
  await store.commit([store.rootMounts.put(record, record)]);
  return record;
}

function isSame(one: readonly Mount[], other: readonly Mount[]): boolean {
  return textOf(one) === textOf(other);
}

function textOf(mounts: readonly Mount[]): string {
  return JSON.stringify(mounts.map(({ type, source, target, options }) => [type, source, target, options]));
}

function labelled({ id }: Pick<ContainerKey, 'id'>, why: string): BerthError {
  return new BerthError('failed-precondition', `container ${id} ${why}`);
}
