// Changes the resources of a task that has not ended.
import { BerthError, messageOf } from '../domain/errors.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { Any } from '../generated/google/protobuf/any.js';
import { shimCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';

export interface ResourceUpdate {
  /** The OCI LinuxResources, as JSON. */
  readonly resources: Any | undefined;
  readonly annotations: Record<string, string>;
}

export function updateTask(supervisor: Supervisor, key: ContainerKey, update: ResourceUpdate): Promise<void> {
  const { resources, annotations } = update;
  checkResources(resources);
  return supervisor.queue.run(keyString(key), async () => {
    const task = supervisor.tasks.get(key);
    if (task.record.init.state === 'stopped') {
      throw new BerthError('failed-precondition', `task ${key.id} is stopped: cannot update it`);
    }
    const shim = await task.reachableShim();
    await shim.task.update({ id: key.id, resources, annotations }, { timeoutMs: shimCallTimeoutMs });
  });
}

function checkResources(resources: Any | undefined): void {
  if (resources === undefined) throw new BerthError('invalid-argument', 'the update has no resources');
  try {
    const parsed: unknown = JSON.parse(resources.value.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return;
  } catch (error) {
    throw new BerthError('invalid-argument', `the resources are not JSON: ${messageOf(error)}`, { cause: error });
  }
  throw new BerthError('invalid-argument', 'the resources are not a JSON object');
}
