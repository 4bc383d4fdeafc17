// Takes a container away: its task, the FIFOs of its streams, its record.
import { BerthError } from '../domain/errors.js';
import { ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Connection } from './connection.js';
import { findTask, orUndefined } from './records.js';
import { fifoOwner, removeFifosOf, removeFifosOfOwner } from './stdio/fifo-set.js';
import { killTask } from './stop-task.js';
import { statusName } from './task-status.js';

/** Throws `failed-precondition` where the task still runs, unless `force`: then it is killed first. */
export async function removeContainer(connection: Connection, id: string, force: boolean): Promise<void> {
  await removeTask(connection, id, force);
  await connection.unary(ContainersService.delete, { id });
}

async function removeTask(connection: Connection, id: string, force: boolean): Promise<void> {
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
