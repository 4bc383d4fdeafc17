// Removes blob files that no namespace has a record of: what a collection let go, and what a crash left.
import { failpoint } from '../../base/failpoint.js';
import type { KeyedQueue } from '../../base/keyed-queue.js';
import { type Digest, formatDigest } from '../../domain/digest.js';
import type { Store } from '../../store/store.js';
import type { ContentFiles } from '../content/content-files.js';
import type { OpenBlobs } from '../content/open-blobs.js';

export interface BlobSweep {
  readonly store: Store;
  readonly content: ContentFiles;
  readonly openBlobs: OpenBlobs;
  readonly blobQueue: KeyedQueue;
}

/** Returns how many went. */
export async function sweepBlobs(parts: BlobSweep): Promise<number> {
  const { store, content } = parts;
  const onDisk = await content.listBlobs();
  const known = new Set<string>();
  for await (const { digest } of store.blobs.list()) known.add(digest);
  let removed = 0;
  for (const digest of onDisk) {
    if (!known.has(formatDigest(digest)) && (await removeUnknown(parts, digest))) removed++;
  }
  return removed;
}

/** In the blob's own queue, and so between its renames and its records, never amid them. */
async function removeUnknown({ store, content, openBlobs, blobQueue }: BlobSweep, digest: Digest): Promise<boolean> {
  return await blobQueue.run(formatDigest(digest), async () => {
    if (await isWanted(store, formatDigest(digest))) return false;
    await content.removeBlob(digest);
    openBlobs.forget(digest);
    failpoint('gc.file-removed');
    return true;
  });
}

/** By a record of any namespace, or by a write that is to take it over. */
export async function isWanted(store: Store, digest: string): Promise<boolean> {
  for await (const { name } of store.namespaces.list()) {
    if ((await store.blobs.get({ namespace: name, digest })) !== undefined) return true;
  }
  for await (const { shared } of store.ingests.list()) {
    if (shared === digest) return true;
  }
  return false;
}
