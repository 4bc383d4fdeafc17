// containerd.services.leases.v1: what clients hold while they build something up.
import { randomUUID } from 'node:crypto';
import { BerthError } from '../domain/errors.js';
import type { LeaseRecord } from '../domain/records.js';
import { type Lease, LeasesService, type Resource } from '../generated/containerd/services/leases/v1/leases.js';
import {
  addLeaseResource,
  createLease,
  deleteLease,
  deleteLeaseResource,
  listLeaseResources,
  listLeases,
} from '../supervisor/leases.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';

export function leasesHandlers(supervisor: Supervisor): Handlers<typeof LeasesService> {
  return {
    create: async ({ id, labels }, call) => {
      const draft = { namespace: call.namespace(), id: id === '' ? randomUUID() : id, labels };
      return { lease: toWire(await createLease(supervisor, draft)) };
    },
    delete: async ({ id, sync }, call) => {
      await deleteLease(supervisor, { namespace: call.namespace(), id });
      if (sync) await supervisor.images.garbage.collect();
      return {};
    },
    list: async ({ filters }, call) => {
      const leases: Lease[] = [];
      for await (const record of listLeases(supervisor, call.namespace(), filters)) leases.push(toWire(record));
      return { leases };
    },
    addResource: async ({ id, resource }, call) => {
      await addLeaseResource(supervisor, { namespace: call.namespace(), id }, given(resource));
      return {};
    },
    deleteResource: async ({ id, resource }, call) => {
      await deleteLeaseResource(supervisor, { namespace: call.namespace(), id }, given(resource));
      return {};
    },
    listResources: async ({ id }, call) => {
      const resources = await listLeaseResources(supervisor, { namespace: call.namespace(), id });
      return { resources: resources.map(({ type, id }) => ({ type, id })) };
    },
  };
}

function given(resource: Resource | undefined): Resource {
  if (resource === undefined) throw new BerthError('invalid-argument', 'the request has no resource');
  return resource;
}

function toWire({ id, labels, createdAt }: LeaseRecord): Lease {
  return { id, labels: { ...labels }, createdAt: timestampFromNanos(createdAt) };
}
