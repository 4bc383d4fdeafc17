// Finds container records.
import { BerthError } from '../domain/errors.js';
import { type FieldLookup, mapField, parseFilters } from '../domain/filter.js';
import { checkId, type ContainerKey } from '../domain/ids.js';
import type { ContainerRecord } from '../domain/records.js';
import { namespacePrefix } from '../store/keyspace.js';
import type { Supervisor } from './supervisor.js';

export async function getContainer({ store }: Supervisor, key: ContainerKey): Promise<ContainerRecord> {
  checkId('container id', key.id);
  const found = await store.containers.get(key);
  if (found !== undefined) return found;
  throw new BerthError('not-found', `container ${key.id} in namespace ${key.namespace}: not found`, {
    subject: { namespace: key.namespace, containerId: key.id },
  });
}

/** Records of one namespace that any of the filters matches (fields: id, image, runtime.name, labels). */
export async function* listContainers(
  { store }: Supervisor,
  namespace: string,
  filters: readonly string[],
): AsyncGenerator<ContainerRecord, void, undefined> {
  const matches = parseFilters(filters);
  for await (const record of store.containers.list(namespacePrefix(namespace))) {
    if (matches(fieldsOf(record))) yield record;
  }
}

function fieldsOf(record: ContainerRecord): FieldLookup {
  return ([field, ...rest]) => {
    switch (field) {
      case 'id':
        return record.id;
      case 'image':
        return record.image === '' ? undefined : record.image;
      case 'runtime':
        return rest.join('.') === 'name' ? record.runtime.name : undefined;
      case 'labels':
        return mapField(record.labels, rest);
      default:
        return undefined;
    }
  };
}
