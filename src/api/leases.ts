// containerd.services.leases.v1: what clients hold while they build something up.
import { randomUUID } from 'node:crypto';
import { BerthError } from '../domain/errors.js';
import type { LeaseRecord } from '../domain/records.js';
import { type Lease, LeasesService } from '../generated/containerd/services/leases/v1/leases.js';
import { createLease, deleteLease, listLeases } from '../supervisor/leases.js';
import type { Supervisor } from '../supervisor/supervisor.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import type { Handlers } from './service.js';

export function leasesHandlers(supervisor: Supervisor): Handlers<typeof LeasesService> {
  return {
    create: async ({ id, labels }, call) => {
      const draft = { namespace: call.namespace(), id: id === '' ? randomUUID() : id, labels };
      return { lease: toWire(await createLease(supervisor, draft)) };
    },
    delete: async ({ id }, call) => {
      await deleteLease(supervisor, { namespace: call.namespace(), id });
      return {};
    },
    list: async ({ filters }, call) => {
      const leases: Lease[] = [];
      for await (const record of listLeases(supervisor, call.namespace(), filters)) leases.push(toWire(record));
      return { leases };
    },
    addResource: resources,
    deleteResource: resources,
    listResources: resources,
  };
}

function resources(): Promise<never> {
  throw new BerthError('unimplemented', 'leases hold no resources yet: there is no image storage');
}

function toWire({ id, labels, createdAt }: LeaseRecord): Lease {
  return { id, labels: { ...labels }, createdAt: timestampFromNanos(createdAt) };
}
