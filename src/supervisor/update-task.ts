// Changes the resources of a task that has not ended.
import { BerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import { parseJsonObject } from '../domain/oci-spec.js';
import type { Any } from '../generated/google/protobuf/any.js';
import { changeTask } from './change-task.js';
import { callShim, runtimeCallTimeoutMs } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';

export interface ResourceUpdate {
  /** The OCI LinuxResources, as JSON. */
  readonly resources: Any | undefined;
  readonly annotations: Record<string, string>;
}

export function updateTask(supervisor: Supervisor, key: ContainerKey, update: ResourceUpdate): Promise<void> {
  const { resources, annotations } = update;
  if (resources === undefined) throw new BerthError('invalid-argument', 'the update has no resources');
  parseJsonObject('the resources', resources.value);
  return changeTask(supervisor, key, async (task) => {
    if (task.record.init.state === 'stopped') {
      throw new BerthError('failed-precondition', `task ${key.id} is stopped: cannot update it`);
    }
    const request = { id: key.id, resources, annotations };
    await callShim(supervisor, task, runtimeCallTimeoutMs, (api, options) => api.update(request, options));
  });
}
