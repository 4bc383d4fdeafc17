// Container and task records as commands need them: listed, looked up, with the spec decoded.
import { isBerthError } from '../domain/errors.js';
import { type Container, ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Process } from '../generated/containerd/v1/types/task.js';
import { decodeAny } from './any-types.js';
import type { Connection } from './connection.js';
import type { OciSpec } from './spec/oci.js';

/** Sorted by id. */
export async function listContainers(connection: Connection, filters: readonly string[] = []): Promise<Container[]> {
  const containers: Container[] = [];
  for await (const { container } of connection.stream(ContainersService.listStream, { filters: [...filters] })) {
    if (container !== undefined) containers.push(container);
  }
  return containers.sort((a, b) => compare(a.id, b.id));
}

/** Sorted by id. */
export async function listTasks(connection: Connection): Promise<Process[]> {
  const { tasks } = await connection.unary(TasksService.list, { filter: '' });
  return tasks.sort((a, b) => compare(taskId(a), taskId(b)));
}

/** The container's id: containerd 1.6 leaves `container_id` of a listed task empty. */
export function taskId(task: Process): string {
  return task.containerId === '' ? task.id : task.containerId;
}

export async function getContainer(connection: Connection, id: string): Promise<Container | undefined> {
  const { container } = await connection.unary(ContainersService.get, { id });
  return container;
}

/** The container's task; undefined where it has none. */
export async function findTask(connection: Connection, containerId: string): Promise<Process | undefined> {
  return await orUndefined(async () => {
    const { process } = await connection.unary(TasksService.get, { containerId, execId: '' });
    return process;
  });
}

/** What `work` gives; undefined where the object it is about does not exist. */
export async function orUndefined<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isBerthError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** undefined where the container has no spec, or one that is no JSON object. */
export function specOf(container: Container): Partial<OciSpec> | undefined {
  if (container.spec === undefined) return undefined;
  const spec = decodeAny(container.spec);
  return typeof spec === 'object' && spec !== null && !(spec instanceof Uint8Array) ? spec : undefined;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
