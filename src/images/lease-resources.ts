// What leases hold. The changes go into the batch that makes or removes the thing itself.
import { BerthError } from '../domain/errors.js';
import type { LeaseResource } from '../domain/image-records.js';
import type { Change } from '../store/database.js';
import type { Store } from '../store/store.js';
import type { Scope } from './scope.js';

export function contentResource(digest: string): LeaseResource {
  return { type: 'content', id: digest };
}

export function ingestResource(ref: string): LeaseResource {
  return { type: 'ingests', id: ref };
}

export function imageResource(name: string): LeaseResource {
  return { type: 'images', id: name };
}

export function snapshotResource(snapshotter: string, key: string): LeaseResource {
  return { type: `snapshots/${snapshotter}`, id: key };
}

/**
 * The changes by which the call's lease holds `resource`; none when the call has no lease. `not-found` when the lease
 * is gone. To be asked for and committed within `store.references.shared`.
 */
export async function holdByLease(store: Store, scope: Scope, resource: LeaseResource): Promise<Change[]> {
  const { namespace, lease } = scope;
  if (lease === '') return [];
  if ((await store.leases.get({ namespace, id: lease })) === undefined) {
    throw new BerthError('not-found', `lease ${lease}: not found`);
  }
  const record = { namespace, lease, type: resource.type, id: resource.id };
  return [store.leaseResources.put(record, record)];
}

/** The changes by which the call's lease lets `resource` go; none when the call has no lease. */
export function releaseFromLease(store: Store, scope: Scope, resource: LeaseResource): Change[] {
  const { namespace, lease } = scope;
  if (lease === '') return [];
  return [store.leaseResources.remove({ namespace, lease, type: resource.type, id: resource.id })];
}
