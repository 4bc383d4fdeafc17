// The blobs that a namespace may see: finding, labelling and forgetting them.
import { formatDigest, parseDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import { type FieldLookup, mapField, parseFilters } from '../../domain/filter.js';
import type { BlobRecord } from '../../domain/image-records.js';
import { keptLabels, withLabelFrom } from '../../domain/labels.js';
import type { Labels } from '../../domain/records.js';
import { nowNanos } from '../../domain/time.js';
import { namespacePrefix } from '../../store/keyspace.js';
import { contentDeleted } from '../event-drafts.js';
import type { ImageStorage } from '../image-storage.js';
import { contentResource, releaseFromLease } from '../lease-resources.js';
import type { Scope } from '../scope.js';

export async function getBlob({ store }: ImageStorage, namespace: string, text: string): Promise<BlobRecord> {
  const digest = formatDigest(parseDigest(text));
  const found = await store.blobs.get({ namespace, digest });
  if (found === undefined) throw new BerthError('not-found', `content ${digest}: not found`);
  return found;
}

/** Blobs of one namespace that any of the filters matches (fields: digest, size, labels). */
export async function* listBlobs(
  { store }: ImageStorage,
  namespace: string,
  filters: readonly string[],
): AsyncGenerator<BlobRecord, void, undefined> {
  const matches = parseFilters(filters);
  for await (const record of store.blobs.list(namespacePrefix(namespace))) {
    if (matches(fieldsOf(record))) yield record;
  }
}

/** `paths` are a field mask's: `labels`, `labels.KEY`; none replaces all labels. */
export async function updateBlob(
  storage: ImageStorage,
  update: { readonly namespace: string; readonly digest: string; readonly labels: Labels },
  paths: readonly string[],
): Promise<BlobRecord> {
  const { store, blobQueue } = storage;
  return await blobQueue.run(update.digest, () =>
    store.references.shared(async () => {
      const current = await getBlob(storage, update.namespace, update.digest);
      let { labels } = current;
      for (const path of paths.length === 0 ? ['labels'] : paths) {
        if (path === 'labels') labels = update.labels;
        else if (path.startsWith('labels.'))
          labels = withLabelFrom(labels, path.slice('labels.'.length), update.labels);
        else throw new BerthError('invalid-argument', `field ${path} of content ${current.digest} cannot be updated`);
      }
      const next = { ...current, labels: keptLabels(labels), updatedAt: nowNanos() };
      await store.commit([store.blobs.put(next, next)]);
      return next;
    }),
  );
}

/** The namespace sees the blob no longer; the file goes with the next collection if no other namespace has it. */
export async function deleteBlob(storage: ImageStorage, scope: Scope, text: string): Promise<void> {
  const { store, blobQueue, garbage } = storage;
  await blobQueue.run(text, () =>
    store.references.shared(async () => {
      const record = await getBlob(storage, scope.namespace, text);
      const release = releaseFromLease(store, scope, contentResource(record.digest));
      await store.commit([store.blobs.remove(record), ...release], [contentDeleted(record)]);
    }),
  );
  garbage.schedule();
}

function fieldsOf(record: BlobRecord): FieldLookup {
  return ([field, ...rest]) => {
    switch (field) {
      case 'digest':
        return record.digest;
      case 'size':
        return String(record.size);
      case 'labels':
        return mapField(record.labels, rest);
      default:
        return undefined;
    }
  };
}
