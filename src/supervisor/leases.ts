// Leases: what a client holds while it builds something up. With a label that says when, they expire:
// garbage collection then removes them.
import { parseDigest } from '../domain/digest.js';
import { BerthError, isBerthError } from '../domain/errors.js';
import { mapField, parseFilters } from '../domain/filter.js';
import type { ContainerKey } from '../domain/ids.js';
import type { LeaseResource, LeaseResourceRecord } from '../domain/image-records.js';
import { keptLabels } from '../domain/labels.js';
import type { LeaseRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { expireLabel } from '../images/gc/references.js';
import { holdByLease, releaseFromLease } from '../images/lease-resources.js';
import type { Scope } from '../images/scope.js';
import { leaseResourcePrefix } from '../store/image-keyspaces.js';
import { namespacePrefix } from '../store/keyspace.js';
import { knownNamespace } from '../store/known-namespace.js';
import type { Store } from '../store/store.js';
import type { Supervisor } from './supervisor.js';

/** Characters; containerd sets no limit but the database's. */
const maxLeaseIdLength = 1024;

export function createLease(supervisor: Supervisor, draft: Omit<LeaseRecord, 'createdAt'>): Promise<LeaseRecord> {
  checkLeaseId(draft.id);
  const record = { ...draft, labels: keptLabels(draft.labels), createdAt: nowNanos() };
  checkExpiry(record);
  const { store, queue } = supervisor;
  return queue.run(draft.namespace, async () => {
    if ((await store.leases.get(draft)) !== undefined) {
      throw new BerthError('already-exists', `lease ${draft.id}: already exists`);
    }
    await store.commit([...(await knownNamespace(store, draft.namespace)), store.leases.put(draft, record)]);
    return record;
  });
}

/** As `createLease`; one that is there goes on with these labels. */
export async function putLease(supervisor: Supervisor, draft: Omit<LeaseRecord, 'createdAt'>): Promise<void> {
  try {
    await createLease(supervisor, draft);
  } catch (error) {
    if (!isBerthError(error, 'already-exists')) throw error;
    const { store, queue } = supervisor;
    await queue.run(draft.namespace, () =>
      store.references.shared(async () => {
        // The collector may have been quicker than us: an expired lease is put anew.
        const createdAt = (await store.leases.get(draft))?.createdAt ?? nowNanos();
        await store.commit([store.leases.put(draft, { ...draft, labels: keptLabels(draft.labels), createdAt })]);
      }),
    );
  }
}

/** What only the lease held goes with the next collection. */
export async function deleteLease({ store, queue, images }: Supervisor, key: ContainerKey): Promise<void> {
  checkLeaseId(key.id);
  await queue.run(key.namespace, () =>
    store.references.shared(async () => {
      await getLease(store, key);
      const changes = [store.leases.remove(key)];
      for await (const resource of resourcesOf(store, key)) changes.push(store.leaseResources.remove(resource));
      await store.commit(changes);
    }),
  );
  images.garbage.schedule();
}

/** Leases of one namespace that any of the filters matches (fields: id, labels). */
export async function* listLeases(
  { store }: Supervisor,
  namespace: string,
  filters: readonly string[],
): AsyncGenerator<LeaseRecord, void, undefined> {
  const matches = parseFilters(filters);
  for await (const record of store.leases.list(namespacePrefix(namespace))) {
    const found = matches(([field, ...rest]) => {
      if (field === 'id') return record.id;
      return field === 'labels' ? mapField(record.labels, rest) : undefined;
    });
    if (found) yield record;
  }
}

export async function addLeaseResource(
  { store }: Supervisor,
  key: ContainerKey,
  resource: LeaseResource,
): Promise<void> {
  checkResource(resource);
  await store.references.shared(async () => {
    await store.commit(await holdByLease(store, scopeOf(key), resource));
  });
}

export async function deleteLeaseResource(
  { store, images }: Supervisor,
  key: ContainerKey,
  resource: LeaseResource,
): Promise<void> {
  checkResource(resource);
  await store.references.shared(async () => {
    await getLease(store, key);
    await store.commit(releaseFromLease(store, scopeOf(key), resource));
  });
  images.garbage.schedule();
}

export async function listLeaseResources({ store }: Supervisor, key: ContainerKey): Promise<LeaseResource[]> {
  await getLease(store, key);
  const found: LeaseResource[] = [];
  for await (const { type, id } of resourcesOf(store, key)) found.push({ type, id });
  return found;
}

async function getLease(store: Store, key: ContainerKey): Promise<LeaseRecord> {
  checkLeaseId(key.id);
  const found = await store.leases.get(key);
  if (found === undefined) throw new BerthError('not-found', `lease ${key.id}: not found`);
  return found;
}

function resourcesOf(store: Store, { namespace, id }: ContainerKey): AsyncIterable<LeaseResourceRecord> {
  return store.leaseResources.list(leaseResourcePrefix({ namespace, lease: id }));
}

function scopeOf({ namespace, id }: ContainerKey): Scope {
  return { namespace, lease: id };
}

/** containerd's types: `content`, `ingests`, `images`, and `snapshots/SNAPSHOTTER`. */
function checkResource({ type, id }: LeaseResource): void {
  const [kind = '', snapshotter, ...rest] = type.split('/');
  if (!['content', 'ingests', 'images', 'snapshots'].includes(kind)) {
    throw new BerthError('unimplemented', `resource type ${type} is not supported`);
  }
  const named = snapshotter !== undefined && snapshotter !== '';
  if ((kind === 'snapshots') !== named || rest.length > 0) {
    throw new BerthError('invalid-argument', `resource type ${type} is not valid`);
  }
  if (id === '') throw new BerthError('invalid-argument', `a resource of type ${type} must have an id`);
  if (kind === 'content') parseDigest(id);
}

/** Looser than other ids: what clients make up (time and random base64) may end in '-', or have '_' and '-' in a row. */
function checkLeaseId(id: string): void {
  if (id === '') throw new BerthError('invalid-argument', 'lease id must not be empty');
  if (id.length > maxLeaseIdLength) {
    throw new BerthError('invalid-argument', `lease id has ${id.length} characters, more than ${maxLeaseIdLength}`);
  }
}

function checkExpiry({ id, labels }: LeaseRecord): void {
  const until = labels[expireLabel];
  if (until !== undefined && Number.isNaN(Date.parse(until))) {
    throw new BerthError('invalid-argument', `lease ${id}: ${expireLabel} is not a time in RFC 3339: ${until}`);
  }
}
