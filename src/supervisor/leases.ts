// Leases: what a client holds while it builds something up. With a label that says when, they expire.
import { BerthError } from '../domain/errors.js';
import { mapField, parseFilters } from '../domain/filter.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import { keptLabels } from '../domain/labels.js';
import type { LeaseRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { namespacePrefix } from '../store/keyspace.js';
import { ensureNamespace } from './namespaces.js';
import type { Supervisor } from './supervisor.js';

/** containerd's label for the time, in RFC 3339, after which a lease no longer holds. */
const expireLabel = 'containerd.io/gc.expire';

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
    await store.commit([...(await ensureNamespace(supervisor, draft.namespace)), store.leases.put(draft, record)]);
    return record;
  });
}

export async function deleteLease({ store, queue }: Supervisor, key: ContainerKey): Promise<void> {
  checkLeaseId(key.id);
  await queue.run(key.namespace, async () => {
    if ((await store.leases.get(key)) === undefined) throw new BerthError('not-found', `lease ${key.id}: not found`);
    await store.commit([store.leases.remove(key)]);
  });
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

/** Removes every lease whose time has passed. */
export async function expireLeases({ store, log }: Supervisor): Promise<void> {
  const now = Date.now();
  for await (const lease of store.leases.list()) {
    const until = lease.labels[expireLabel];
    if (until === undefined || Date.parse(until) > now) continue;
    await store.commit([store.leases.remove(lease)]);
    log.info('a lease has expired', { lease: keyString(lease) });
  }
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
