// Every file of the content store belongs to a blob or to an unfinished write.
import { formatDigest } from '../../domain/digest.js';
import { findStrays } from '../../images/gc/collect-garbage.js';
import { isWanted } from '../../images/gc/sweep-blobs.js';
import type { ImageStorage } from '../../images/image-storage.js';
import type { Problem, Invariant } from './invariant.js';

export const contentHasRecords: Invariant = {
  name: 'content-has-records',
  async *examine({ images }) {
    const { store, content, blobQueue } = images;
    // Found first: mending one mends all.
    const strays = await findStrays(images);
    for (const digest of await content.listBlobs()) {
      const name = formatDigest(digest);
      // A blob has its file before its record.
      const owned = await blobQueue.run(name, () => isWanted(store, name));
      yield owned ? undefined : unowned(images, content.blobPath(digest));
    }
    for (const path of strays) yield unowned(images, path);
  },
};

function unowned({ garbage }: ImageStorage, path: string): Problem {
  const repair = async () => {
    await garbage.collect();
  };
  const remedy = 'the next garbage collection removes it, or berth check --repair';
  return { object: path, message: 'the file belongs to no content', remedy, repair };
}
