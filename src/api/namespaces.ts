// containerd.services.namespaces.v1.
import { BerthError } from '../domain/errors.js';
import type { NamespaceRecord } from '../domain/records.js';
import { type Namespace, NamespacesService } from '../generated/containerd/services/namespaces/v1/namespace.js';
import { createNamespace, deleteNamespace, describeNamespace, updateNamespace } from '../supervisor/namespaces.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import type { Handlers } from './service.js';

export function namespacesHandlers(supervisor: Supervisor): Handlers<typeof NamespacesService> {
  return {
    get: async ({ name }) => ({ namespace: toWire(await describeNamespace(supervisor, name)) }),
    list: async () => {
      const namespaces: Namespace[] = [];
      for await (const record of supervisor.store.namespaces.list()) namespaces.push(toWire(record));
      return { namespaces };
    },
    create: async ({ namespace }) => {
      const { name, labels } = required(namespace);
      return { namespace: toWire(await createNamespace(supervisor, name, labels)) };
    },
    update: async ({ namespace, updateMask }) => ({
      namespace: toWire(await updateNamespace(supervisor, required(namespace), updateMask ?? [])),
    }),
    delete: async ({ name }) => {
      await deleteNamespace(supervisor, name);
      return {};
    },
  };
}

function toWire({ name, labels }: NamespaceRecord): Namespace {
  return { name, labels: { ...labels } };
}

function required(namespace: Namespace | undefined): Namespace {
  if (namespace === undefined) throw new BerthError('invalid-argument', 'the request has no namespace');
  return namespace;
}
