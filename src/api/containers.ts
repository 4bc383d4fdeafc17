// containerd.services.containers.v1: what is to run.
import { BerthError } from '../domain/errors.js';
import type { ContainerRecord, TypedValue } from '../domain/records.js';
import { type Container, ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import { type ContainerDraft, createContainer } from '../supervisor/create-container.js';
import { deleteContainer } from '../supervisor/delete-container.js';
import { getContainer, listContainers } from '../supervisor/get-container.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { updateContainer } from '../supervisor/update-container.js';
import { anyFromTyped, timestampFromNanos, typedFromAny } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';

export function containersHandlers(supervisor: Supervisor): Handlers<typeof ContainersService> {
  return {
    get: async ({ id }, call) => ({
      container: toWire(await getContainer(supervisor, { namespace: call.namespace(), id })),
    }),
    list: async ({ filters }, call) => {
      const containers: Container[] = [];
      for await (const record of listContainers(supervisor, call.namespace(), filters)) containers.push(toWire(record));
      return { containers };
    },
    async *listStream({ filters }, call) {
      for await (const record of listContainers(supervisor, call.namespace(), filters)) {
        yield { container: toWire(record) };
      }
    },
    create: async ({ container }, call) => {
      const record = await createContainer(supervisor, fromWire(call.namespace(), container));
      return { container: toWire(record) };
    },
    update: async ({ container, updateMask }, call) => {
      const update = fromWire(call.namespace(), container);
      return { container: toWire(await updateContainer(supervisor, update, updateMask ?? [])) };
    },
    delete: async ({ id }, call) => {
      await deleteContainer(supervisor, { namespace: call.namespace(), id });
      return {};
    },
  };
}

function toWire(record: ContainerRecord): Container {
  const extensions: Container['extensions'] = {};
  for (const [name, value] of Object.entries(record.extensions)) {
    const any = anyFromTyped(value);
    if (any !== undefined) extensions[name] = any;
  }
  return {
    id: record.id,
    labels: { ...record.labels },
    image: record.image,
    runtime: { name: record.runtime.name, options: anyFromTyped(record.runtime.options) },
    spec: anyFromTyped(record.spec),
    snapshotter: record.snapshotter,
    snapshotKey: record.snapshotKey,
    createdAt: timestampFromNanos(record.createdAt),
    updatedAt: timestampFromNanos(record.updatedAt),
    extensions,
    sandbox: record.sandbox,
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
