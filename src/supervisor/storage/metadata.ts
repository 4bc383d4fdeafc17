// Values that somebody keeps beside a container, by name. They go in the batch in which the container goes.
import { BerthError } from '../../domain/errors.js';
import { type ContainerKey, keyString } from '../../domain/ids.js';
import type { MetadataRecord } from '../../domain/storage-records.js';
import { nowNanos } from '../../domain/time.js';
import type { Change } from '../../store/database.js';
import { metadataPrefix } from '../../store/storage-keyspaces.js';
import type { Store } from '../../store/store.js';
import { getContainer } from '../get-container.js';
import type { Supervisor } from '../supervisor.js';

const maxNameBytes = 255;
const maxValueBytes = 1024 * 1024;
/** Of one container. */
const maxEntries = 64;

export function setMetadata(
  supervisor: Supervisor,
  key: ContainerKey,
  { name, value }: Pick<MetadataRecord, 'name' | 'value'>,
): Promise<void> {
  checkName(name);
  if (value.length > maxValueBytes) {
    throw new BerthError('invalid-argument', `metadata ${name} has ${value.length} bytes, more than ${maxValueBytes}`);
  }
  const { store, queue } = supervisor;
  return queue.run(keyString(key), async () => {
    await getContainer(supervisor, key);
    const names = (await listRecords(store, key)).map((record) => record.name);
    if (!names.includes(name) && names.length >= maxEntries) {
      throw new BerthError('resource-exhausted', `container ${key.id} has ${maxEntries} metadata entries already`);
    }
    const record = { namespace: key.namespace, id: key.id, name, value, updatedAt: nowNanos() };
    await store.commit([store.metadata.put(record, record)]);
  });
}

export async function getMetadata(supervisor: Supervisor, key: ContainerKey, name: string): Promise<MetadataRecord> {
  await getContainer(supervisor, key);
  const found = await supervisor.store.metadata.get({ ...key, name });
  if (found !== undefined) return found;
  throw new BerthError('not-found', `metadata ${JSON.stringify(name)} of container ${key.id}: not found`);
}

/** By name. */
export async function listMetadata(supervisor: Supervisor, key: ContainerKey): Promise<MetadataRecord[]> {
  await getContainer(supervisor, key);
  return await listRecords(supervisor.store, key);
}

export function removeMetadata(supervisor: Supervisor, key: ContainerKey, name: string): Promise<void> {
  const { store, queue } = supervisor;
  return queue.run(keyString(key), async () => {
    await store.commit([store.metadata.remove(await getMetadata(supervisor, key, name))]);
  });
}

/** For the batch that removes the container. */
export async function metadataRemovals(store: Store, key: ContainerKey): Promise<Change[]> {
  return (await listRecords(store, key)).map((record) => store.metadata.remove(record));
}

async function listRecords(store: Store, key: ContainerKey): Promise<MetadataRecord[]> {
  const records: MetadataRecord[] = [];
  for await (const record of store.metadata.list(metadataPrefix(key))) records.push(record);
  return records;
}

function checkName(name: string): void {
  if (name === '' || Buffer.byteLength(name) > maxNameBytes) {
    throw new BerthError('invalid-argument', `a name of metadata has 1 to ${maxNameBytes} bytes`);
  }
}
