// Unfinished writes as others see them: how far they are, and giving them up.
import { BerthError } from '../../domain/errors.js';
import { parseFilters } from '../../domain/filter.js';
import type { IngestRecord } from '../../domain/image-records.js';
import { parseDigest } from '../../domain/digest.js';
import type { UnixNanos } from '../../domain/time.js';
import { namespacePrefix } from '../../store/keyspace.js';
import type { ImageStorage } from '../image-storage.js';
import { ingestResource, releaseFromLease } from '../lease-resources.js';
import type { Scope } from '../scope.js';

export type IngestKey = Pick<IngestRecord, 'namespace' | 'ref'>;

export interface IngestStatus {
  readonly ref: string;
  /** Bytes written so far. */
  readonly offset: number;
  readonly total: number;
  /** Digest of the blob that this write may take as it is; empty where it has to come as data. */
  readonly expected: string;
  readonly startedAt: UnixNanos;
  readonly updatedAt: UnixNanos;
}

export async function getIngest(storage: ImageStorage, key: IngestKey): Promise<IngestStatus> {
  return await statusOf(storage, await ingestRecord(storage, key));
}

/** Unfinished writes of one namespace that any of the filters matches (field: ref). */
export async function listIngests(
  storage: ImageStorage,
  namespace: string,
  filters: readonly string[],
): Promise<IngestStatus[]> {
  const matches = parseFilters(filters);
  const found: IngestStatus[] = [];
  for await (const record of storage.store.ingests.list(namespacePrefix(namespace))) {
    if (matches(([field]) => (field === 'ref' ? record.ref : undefined))) found.push(await statusOf(storage, record));
  }
  return found;
}

/** Gives the write up, also while a writer is at it: that one cannot commit any more. */
export async function abortIngest(storage: ImageStorage, scope: Scope, ref: string): Promise<void> {
  const { store, content, writers } = storage;
  const path = content.ingestPath({ namespace: scope.namespace, ref });
  const release = writers.tryAcquire(path);
  try {
    await store.references.shared(async () => {
      const record = await ingestRecord(storage, { namespace: scope.namespace, ref });
      await store.commit([store.ingests.remove(record), ...releaseFromLease(store, scope, ingestResource(ref))]);
    });
    await content.removeIngest(path);
  } finally {
    release?.();
  }
}

async function ingestRecord({ store }: ImageStorage, key: IngestKey): Promise<IngestRecord> {
  const found = await store.ingests.get(key);
  if (found === undefined) throw new BerthError('not-found', `ref ${key.ref}: not found`);
  return found;
}

async function statusOf({ content }: ImageStorage, record: IngestRecord): Promise<IngestStatus> {
  const { ref, total, startedAt, shared } = record;
  const state = await content.ingestState(content.ingestPath(record));
  const wholeSize = shared === undefined ? undefined : await content.blobSize(parseDigest(shared));
  return {
    ref,
    offset: wholeSize ?? state?.size ?? 0,
    total,
    expected: shared ?? '',
    startedAt,
    updatedAt: state === undefined ? startedAt : nanosFromMillis(state.modifiedMs),
  };
}

function nanosFromMillis(millis: number): UnixNanos {
  return BigInt(Math.round(millis * 1e6));
}
