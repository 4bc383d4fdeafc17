// The end of a write: the synced and checked file becomes a blob, then the namespace gets its record of it.
import { failpoint } from '../../base/failpoint.js';
import { type Digest, formatDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import type { BlobRecord, IngestRecord } from '../../domain/image-records.js';
import { keptLabels } from '../../domain/labels.js';
import type { Labels } from '../../domain/records.js';
import { nowNanos } from '../../domain/time.js';
import { knownNamespace } from '../../store/known-namespace.js';
import { contentCreated } from '../event-drafts.js';
import type { ImageStorage } from '../image-storage.js';
import { contentResource, holdByLease, ingestResource, releaseFromLease } from '../lease-resources.js';
import type { Scope } from '../scope.js';

export interface FinishedWrite {
  readonly ingest: IngestRecord;
  /** The file with the data, synced; absent when another namespace's blob is taken over. */
  readonly source: string | undefined;
  /** Where the write's file is, or would be. */
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  readonly labels: Labels;
}

export async function commitBlob(storage: ImageStorage, scope: Scope, write: FinishedWrite): Promise<BlobRecord> {
  const { content, blobQueue } = storage;
  const labels = keptLabels(write.labels);
  failpoint('content.data-synced');
  // In the blob's own queue nobody sweeps the file between its rename and its record.
  const outcome = await blobQueue.run(formatDigest(write.digest), async () => {
    await adoptFile(storage, write);
    return await recordBlob(storage, scope, { ...write, labels });
  });
  failpoint('content.blob-recorded');
  await content.removeIngest(write.path);
  if (outcome.existed) throw new BerthError('already-exists', `content ${outcome.blob.digest}: already exists`);
  return outcome.blob;
}

async function adoptFile({ content }: ImageStorage, { source, digest, ingest }: FinishedWrite): Promise<void> {
  if ((await content.blobSize(digest)) !== undefined) return;
  if (source === undefined) throw goneError(ingest);
  try {
    await content.adopt(source, digest, () => failpoint('content.blob-renamed'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw goneError(ingest);
    throw error;
  }
}

async function recordBlob(
  { store }: ImageStorage,
  scope: Scope,
  { ingest, digest, size, labels }: FinishedWrite,
): Promise<{ readonly blob: BlobRecord; readonly existed: boolean }> {
  const { namespace } = scope;
  return await store.references.shared(async () => {
    if ((await store.ingests.get(ingest))?.startedAt !== ingest.startedAt) throw goneError(ingest);
    const now = nowNanos();
    const fresh = { namespace, digest: formatDigest(digest), size, labels, createdAt: now, updatedAt: now };
    const existing = await store.blobs.get(fresh);
    const blob = existing ?? fresh;
    const changes = [
      ...(await knownNamespace(store, namespace)),
      ...(existing === undefined ? [store.blobs.put(blob, blob)] : []),
      ...(await holdByLease(store, scope, contentResource(blob.digest))),
      ...releaseFromLease(store, scope, ingestResource(ingest.ref)),
      store.ingests.remove(ingest),
    ];
    await store.commit(changes, existing === undefined ? [contentCreated(blob)] : []);
    return { blob, existed: existing !== undefined };
  });
}

/** It was aborted, or collected, while it was being written. */
function goneError({ ref }: IngestRecord): BerthError {
  return new BerthError('not-found', `ref ${ref}: not found: the write was given up`);
}
