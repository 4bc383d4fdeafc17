// Takes a container away: its task, the FIFOs of its streams, its record, its snapshot.
import { BerthError, isBerthError } from '../domain/errors.js';
import { StorageService } from '../generated/berth/v1/storage.js';
import { type Container, ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import { SnapshotsService } from '../generated/containerd/services/snapshots/v1/snapshots.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Connection } from './connection.js';
import { findTask, getContainer, orUndefined } from './records.js';
import { fifoOwner, removeFifosOf, removeFifosOfOwner } from './stdio/fifo-set.js';
import { killTask } from './stop-task.js';
import { statusName } from './task-status.js';

/** Throws `failed-precondition` where the task still runs, unless `force`: then it is killed first. */
export async function removeContainer(connection: Connection, id: string, force: boolean): Promise<void> {
  const container = await getContainer(connection, id);
  await removeTask(connection, id, force);
  if (force) await unmount(connection, id);
  await connection.unary(ContainersService.delete, { id });
  if (container !== undefined) await removeSnapshot(connection, container);
}

/** What shows the container's root file system on the host. */
async function unmount(connection: Connection, containerId: string): Promise<void> {
  try {
    await connection.unary(StorageService.unmount, { containerId, force: true });
  } catch (error) {
    // The real containerd has no such service.
    if (!isBerthError(error, 'unimplemented')) throw error;
  }
}

/** As ctr does; without it, garbage collection would take it in its own time. */
async function removeSnapshot(connection: Connection, { snapshotter, snapshotKey }: Container): Promise<void> {
  if (snapshotKey === '') return;
  await orUndefined(
    async () => await connection.unary(SnapshotsService.remove, { snapshotter, key: snapshotKey }, { endless: true }),
  );
}

/** With its FIFOs; no error where there is none. Throws `failed-precondition` as `removeContainer` does. */
export async function removeTask(connection: Connection, id: string, force: boolean): Promise<void> {
  const task = await findTask(connection, id);
  if (task === undefined) return;
  const status = statusName(task.status);
  if (status !== 'stopped') {
    if (!force && status !== 'created') {
      throw new BerthError('failed-precondition', `container ${id} is ${status}: stop it first, or use --force`);
    }
    await killTask(connection, id);
  }
  await orUndefined(async () => await connection.unary(TasksService.delete, { containerId: id }));
  await removeFifosOf(task);
  await removeFifosOfOwner(connection.address, fifoOwner(connection.namespace, id));
}
