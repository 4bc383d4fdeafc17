// What every verb of this folder works with.
import { KeyedQueue } from '../base/keyed-queue.js';
import type { Log } from '../base/log.js';
import type { Store } from '../store/store.js';
import { ContentFiles } from './content/content-files.js';
import { IngestThread } from './content/ingest-thread.js';
import { OpenBlobs } from './content/open-blobs.js';
import { WriterLocks } from './content/writer-locks.js';
import { GarbageCollector, type GarbageOptions } from './gc/garbage-collector.js';

export interface ImageStorage {
  readonly store: Store;
  readonly log: Log;
  readonly content: ContentFiles;
  readonly openBlobs: OpenBlobs;
  readonly ingestThread: IngestThread;
  /** Keys: digests. A blob's file and the records of it change in here only. */
  readonly blobQueue: KeyedQueue;
  /** Keys: a namespace and an image's name. */
  readonly imageQueue: KeyedQueue;
  readonly writers: WriterLocks;
  readonly garbage: GarbageCollector;
}

export interface ImageStorageOptions {
  readonly root: string;
  readonly store: Store;
  readonly log: Log;
  readonly garbage: GarbageOptions;
}

export async function openImageStorage({ root, store, log, garbage }: ImageStorageOptions): Promise<ImageStorage> {
  const content = await ContentFiles.open(root);
  const openBlobs = new OpenBlobs(content);
  const parts = { store, log, content, openBlobs, blobQueue: new KeyedQueue(), writers: new WriterLocks() };
  const imageQueue = new KeyedQueue();
  const ingestThread = new IngestThread();
  return { ...parts, imageQueue, ingestThread, garbage: new GarbageCollector(parts, garbage) };
}

/** Resolves when nothing is under way that would write records. */
export async function closeImageStorage({
  garbage,
  blobQueue,
  imageQueue,
  openBlobs,
  ingestThread,
}: ImageStorage): Promise<void> {
  await garbage.stop();
  openBlobs.closeIdle();
  await Promise.all([blobQueue.idle(), imageQueue.idle()]);
  await ingestThread.stop();
}
