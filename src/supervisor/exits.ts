// Exit records, which outlive their tasks for a while.
import { BerthError } from '../domain/errors.js';
import { mapField, parseFilters } from '../domain/filter.js';
import type { ContainerKey } from '../domain/ids.js';
import type { ExitRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { namespacePrefix } from '../store/keyspace.js';
import { exitPrefix } from '../store/store.js';
import type { Supervisor } from './supervisor.js';

/** Removed in one batch. */
const sweepBatchRecords = 1000;
const nanosPerSecond = 1_000_000_000n;

/** The newest exit of that name. */
export async function getExit({ store }: Supervisor, key: ContainerKey, execId: string): Promise<ExitRecord> {
  let newest: ExitRecord | undefined;
  for await (const record of store.exits.list(exitPrefix({ ...key, execId }))) newest = record;
  if (newest !== undefined) return newest;
  const what = execId === '' ? `container ${key.id}` : `process ${execId} of container ${key.id}`;
  throw new BerthError('not-found', `no exit of ${what} is kept`, {
    subject: { namespace: key.namespace, containerId: key.id, execId },
  });
}

/** Exits of one namespace that any of the filters matches (fields: container_id, exec_id, provenance, oom_killed). */
export async function* listExits(
  { store }: Supervisor,
  namespace: string,
  filters: readonly string[],
): AsyncGenerator<ExitRecord, void, undefined> {
  const matches = parseFilters(filters);
  for await (const record of store.exits.list(namespacePrefix(namespace))) {
    const fields = {
      container_id: record.id,
      exec_id: record.execId,
      provenance: record.provenance,
      oom_killed: String(record.oomKilled),
    };
    if (matches((path) => mapField(fields, path))) yield record;
  }
}

/** Removes the exits that are older than what is kept. */
export async function sweepExits({ store, exitRetentionSeconds }: Supervisor): Promise<void> {
  const keepFrom = nowNanos() - BigInt(exitRetentionSeconds) * nanosPerSecond;
  const remove = async (old: readonly ExitRecord[]): Promise<void> => {
    if (old.length > 0) await store.commit(old.map((record) => store.exits.remove(record)));
  };
  let old: ExitRecord[] = [];
  for await (const record of store.exits.list()) {
    if (record.exitedAt < keepFrom) old.push(record);
    if (old.length < sweepBatchRecords) continue;
    await remove(old);
    old = [];
  }
  await remove(old);
}
