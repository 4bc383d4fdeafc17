// Begins or resumes a write: refuses what is here already, takes over what another namespace has, else opens the file.
import { failpoint } from '../../base/failpoint.js';
import { canonicalAlgorithm, type Digest, formatDigest, parseDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import type { IngestRecord } from '../../domain/image-records.js';
import { nowNanos } from '../../domain/time.js';
import { knownNamespace } from '../../store/known-namespace.js';
import type { ImageStorage } from '../image-storage.js';
import { contentResource, holdByLease, ingestResource } from '../lease-resources.js';
import type { Scope } from '../scope.js';
import { ContentWriter } from './content-writer.js';
import { IngestFile } from './ingest-file.js';

/** Bytes of a ref; containerd's limit is that of its database's keys, 32,768. */
const maxRefBytes = 4096;
/** A write that no lease holds may be resumed for so long; containerd's figure. */
const ingestKeepNanos = 24n * 3_600_000_000_000n;

export interface WriteRequest {
  readonly ref: string;
  /** Bytes in all; 0 where unknown. */
  readonly total: number;
  /** The digest that it shall have; empty where unknown. */
  readonly expected: string;
}

/**
 * `already-exists` when the namespace has the blob (the call's lease then holds it), `unavailable` while another writer
 * has the ref. The writer keeps the ref locked until it is closed.
 */
export async function openWriter(storage: ImageStorage, scope: Scope, request: WriteRequest): Promise<ContentWriter> {
  checkRef(request.ref);
  const expected = request.expected === '' ? undefined : parseDigest(request.expected);
  if (expected !== undefined) await refuseExisting(storage, scope, expected);
  const path = storage.content.ingestPath({ namespace: scope.namespace, ref: request.ref });
  const release = await storage.writers.acquire(path, request.ref);
  try {
    const ingest = await recordIngest(storage, scope, request, expected);
    failpoint('content.ingest-recorded');
    const algorithm = expected?.algorithm ?? canonicalAlgorithm;
    const shared = ingest.shared === undefined ? undefined : parseDigest(ingest.shared);
    const file = shared === undefined ? await IngestFile.open(storage.ingestThread, path, algorithm) : undefined;
    return new ContentWriter(storage, scope, { ingest, path, algorithm, shared, file, release, announced: expected });
  } catch (error) {
    release();
    throw error;
  }
}

/** `already-exists` when the namespace has the blob; the call's lease holds it from then on. */
export async function refuseExisting(storage: ImageStorage, scope: Scope, digest: Digest): Promise<void> {
  await storage.blobQueue.run(formatDigest(digest), () =>
    storage.store.references.shared(() => refuseIfThere(storage, scope, digest)),
  );
}

async function refuseIfThere({ store, content }: ImageStorage, scope: Scope, expected: Digest): Promise<void> {
  const digest = formatDigest(expected);
  if ((await store.blobs.get({ namespace: scope.namespace, digest })) === undefined) return;
  // A record whose file was lost is mended by writing the blob again.
  if ((await content.blobSize(expected)) === undefined) return;
  const held = await holdByLease(store, scope, contentResource(digest));
  if (held.length > 0) await store.commit(held);
  throw new BerthError('already-exists', `content ${digest}: already exists`);
}

async function recordIngest(
  storage: ImageStorage,
  scope: Scope,
  request: WriteRequest,
  expected: Digest | undefined,
): Promise<IngestRecord> {
  const { store, blobQueue } = storage;
  const record = () =>
    store.references.shared(async () => {
      if (expected !== undefined) await refuseIfThere(storage, scope, expected);
      const ingest = await nextRecord(storage, scope, request, expected);
      await store.commit([
        ...(await knownNamespace(store, scope.namespace)),
        ...(await holdByLease(store, scope, ingestResource(ingest.ref))),
        store.ingests.put(ingest, ingest),
      ]);
      return ingest;
    });
  return expected === undefined ? await record() : await blobQueue.run(formatDigest(expected), record);
}

/** The record to go on with; a write that is none of the recorded one's is begun anew. */
async function nextRecord(
  { store, content }: ImageStorage,
  scope: Scope,
  request: WriteRequest,
  expected: Digest | undefined,
): Promise<IngestRecord> {
  const { namespace } = scope;
  const { ref, total } = request;
  const found = await store.ingests.get({ namespace, ref });
  const resumes = found !== undefined && (total === 0 || found.total === 0 || total === found.total);
  if (!resumes) await content.removeIngest(content.ingestPath({ namespace, ref }));
  const size = expected === undefined ? undefined : await content.blobSize(expected);
  const shared = expected !== undefined && size !== undefined && (total === 0 || total === size);
  return {
    namespace,
    ref,
    total: shared ? size : total || (resumes ? found.total : 0),
    startedAt: resumes ? found.startedAt : nowNanos(),
    ...(shared && { shared: formatDigest(expected) }),
    ...(scope.lease === '' && { expiresAt: nowNanos() + ingestKeepNanos }),
  };
}

function checkRef(ref: string): void {
  if (ref === '') throw new BerthError('invalid-argument', 'a write must name a ref');
  if (Buffer.byteLength(ref) > maxRefBytes) {
    throw new BerthError('invalid-argument', `ref ${ref.slice(0, 64)}... has more than ${maxRefBytes} bytes`);
  }
}
