// Finds checkpoints in the catalogue.
import type { CheckpointKey, CheckpointRecord } from '../../domain/checkpoint-record.js';
import { BerthError } from '../../domain/errors.js';
import { mapField, parseFilters } from '../../domain/filter.js';
import { checkId } from '../../domain/ids.js';
import { namespacePrefix } from '../../store/keyspace.js';
import type { Supervisor } from '../supervisor.js';

export async function getCheckpoint({ store }: Supervisor, key: CheckpointKey): Promise<CheckpointRecord> {
  checkId('checkpoint name', key.name);
  const found = await store.checkpoints.get(key);
  if (found !== undefined) return found;
  throw new BerthError('not-found', `checkpoint ${key.name} in namespace ${key.namespace}: not found`);
}

/** Those of one namespace that any of the filters matches (fields: name, container_id, parent). */
export async function* listCheckpoints(
  { store }: Supervisor,
  namespace: string,
  filters: readonly string[],
): AsyncGenerator<CheckpointRecord, void, undefined> {
  const matches = parseFilters(filters);
  for await (const record of store.checkpoints.list(namespacePrefix(namespace))) {
    const { name, containerId, parent } = record;
    if (matches((path) => mapField({ name, container_id: containerId, parent }, path))) yield record;
  }
}

/** One checkpoint's changes run one after the other; '/checkpoints/' keeps the key apart from every container's. */
export function queueKey({ namespace, name }: CheckpointKey): string {
  return `${namespace}/checkpoints/${name}`;
}
