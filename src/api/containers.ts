// containerd.services.containers.v1: what is to run.
import { BerthError } from '../domain/errors.js';
import type { ContainerRecord, TypedValue } from '../domain/records.js';
import { type Container, ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import { type ContainerDraft, createContainer } from '../supervisor/create-container.js';
import { deleteContainer } from '../supervisor/delete-container.js';
import { getContainer, listContainers } from '../supervisor/get-container.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { updateContainer } from '../supervisor/update-container.js';
import { typedFromAny } from '../supervisor/wire-values.js';
import { containerToWire, encodeContainer, encodeContainers } from './encoded-containers.js';
import type { Handlers } from './service.js';

export function containersHandlers(supervisor: Supervisor): Handlers<typeof ContainersService> {
  return {
    get: async ({ id }, call) => encodeContainer(await getContainer(supervisor, { namespace: call.namespace(), id })),
    list: async ({ filters }, call) => {
      const records: ContainerRecord[] = [];
      for await (const record of listContainers(supervisor, call.namespace(), filters)) records.push(record);
      return encodeContainers(records);
    },
    async *listStream({ filters }, call) {
      for await (const record of listContainers(supervisor, call.namespace(), filters)) {
        yield encodeContainer(record);
      }
    },
    create: async ({ container }, call) => {
      const record = await createContainer(supervisor, fromWire(call.namespace(), container));
      return { container: containerToWire(record) };
    },
    update: async ({ container, updateMask }, call) => {
      const update = fromWire(call.namespace(), container);
      return { container: containerToWire(await updateContainer(supervisor, update, updateMask ?? [])) };
    },
    delete: async ({ id }, call) => {
      await deleteContainer(supervisor, { namespace: call.namespace(), id });
      return {};
    },
  };
}

function fromWire(namespace: string, container: Container | undefined): ContainerDraft {
  if (container === undefined) throw new BerthError('invalid-argument', 'the request has no container');
  const { id, labels, image, snapshotter, snapshotKey, sandbox } = container;
  const options = typedFromAny(container.runtime?.options);
  const spec = typedFromAny(container.spec);
  const extensions: Record<string, TypedValue> = { ...container.extensions };
  return {
    namespace,
    id,
    labels,
    image,
    runtime: { name: container.runtime?.name ?? '', ...(options && { options }) },
    ...(spec && { spec }),
    snapshotter,
    snapshotKey,
    sandbox,
    extensions,
  };
}
