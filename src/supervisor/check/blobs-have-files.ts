// Every blob that a namespace sees has its file, whole.
import { parseDigest } from '../../domain/digest.js';
import type { BlobRecord } from '../../domain/image-records.js';
import { contentDeleted } from '../../images/event-drafts.js';
import type { ImageStorage } from '../../images/image-storage.js';
import type { Invariant } from './invariant.js';

export const blobsHaveFiles: Invariant = {
  name: 'blobs-have-files',
  async *examine({ images }) {
    for await (const blob of images.store.blobs.list()) {
      const message = await wrongWith(images, blob);
      if (message === undefined) yield undefined;
      else {
        yield {
          object: `${blob.namespace}/${blob.digest}`,
          message,
          remedy: 'berth check --repair forgets it; then pull or import it again',
          repair: () => forget(images, blob),
        };
      }
    }
  },
};

/** Looked at in the blob's own queue, so that no removal comes in between. */
async function wrongWith({ store, content, blobQueue }: ImageStorage, blob: BlobRecord): Promise<string | undefined> {
  return await blobQueue.run(blob.digest, async () => {
    const size = await content.blobSize(parseDigest(blob.digest));
    if (size === blob.size || (await store.blobs.get(blob)) === undefined) return undefined;
    return size === undefined ? 'the content has no file' : `the content's file has ${size} bytes, not ${blob.size}`;
  });
}

async function forget({ store, content, openBlobs, blobQueue }: ImageStorage, blob: BlobRecord): Promise<void> {
  await blobQueue.run(blob.digest, () =>
    store.references.shared(async () => {
      await store.commit([store.blobs.remove(blob)], [contentDeleted(blob)]);
      await content.removeBlob(parseDigest(blob.digest));
      openBlobs.forget(parseDigest(blob.digest));
    }),
  );
}
