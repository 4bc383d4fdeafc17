// Image records: names for blobs. Each change is one batch with its event.
import { BerthError } from '../../domain/errors.js';
import { type FieldLookup, mapField, parseFilters } from '../../domain/filter.js';
import { fullImageName } from '../../domain/image-reference.js';
import type { ImageRecord } from '../../domain/image-records.js';
import { keptLabels } from '../../domain/labels.js';
import { nowNanos, type UnixNanos } from '../../domain/time.js';
import type { Change } from '../../store/database.js';
import { namespacePrefix } from '../../store/keyspace.js';
import { knownNamespace } from '../../store/known-namespace.js';
import { imageCreated, imageDeleted, imageUpdated } from '../event-drafts.js';
import { expireLabel } from '../gc/references.js';
import type { ImageStorage } from '../image-storage.js';
import { holdByLease, imageResource, releaseFromLease } from '../lease-resources.js';
import type { Scope } from '../scope.js';
import { checkImage } from './check-image.js';
import { withField } from './image-fields.js';

export type ImageDraft = Omit<ImageRecord, 'namespace' | 'createdAt' | 'updatedAt'>;

export async function getImage({ store }: ImageStorage, namespace: string, name: string): Promise<ImageRecord> {
  const found = await store.images.get({ namespace, name });
  if (found === undefined) throw new BerthError('not-found', `image ${JSON.stringify(name)}: not found`);
  return found;
}

/** The image of that very name, else the one that the name means as a reference: images may be recorded under any name. */
export async function findImage(storage: ImageStorage, namespace: string, name: string): Promise<ImageRecord> {
  const full = fullImageName(name);
  const found = await storage.store.images.get({ namespace, name });
  return found ?? (await getImage(storage, namespace, full));
}

/** Images of one namespace that any of the filters matches (fields: name, target, labels, annotations). */
export async function* listImages(
  { store }: ImageStorage,
  namespace: string,
  filters: readonly string[],
): AsyncGenerator<ImageRecord, void, undefined> {
  const matches = parseFilters(filters);
  for await (const record of store.images.list(namespacePrefix(namespace))) {
    if (matches(fieldsOf(record))) yield record;
  }
}

/** `now` is the time to record: that of the call, or the one that the client wants for a reproducible result. */
export async function createImage(
  storage: ImageStorage,
  scope: Scope,
  draft: ImageDraft,
  now = nowNanos(),
): Promise<ImageRecord> {
  const { namespace } = scope;
  const record = { ...kept(draft), namespace, createdAt: now, updatedAt: now };
  checkImage(record);
  const { store } = storage;
  return await changing(storage, record, async () => {
    if ((await store.images.get(record)) !== undefined) {
      throw new BerthError('already-exists', `image ${JSON.stringify(record.name)}: already exists`);
    }
    const changes = [
      ...(await knownNamespace(store, namespace)),
      ...(await holdIfExpiring(storage, scope, record)),
      store.images.put(record, record),
    ];
    await store.commit(changes, [imageCreated(record)]);
    return record;
  });
}

/** `paths` are a field mask's; none replaces every field that may change. */
export async function updateImage(
  storage: ImageStorage,
  scope: Scope,
  update: ImageDraft,
  options: { readonly paths: readonly string[]; readonly now?: UnixNanos | undefined },
): Promise<ImageRecord> {
  if (update.name === '') throw new BerthError('invalid-argument', 'image name is required for update');
  const { store } = storage;
  return await changing(storage, { namespace: scope.namespace, name: update.name }, async () => {
    const current = await getImage(storage, scope.namespace, update.name);
    let next = options.paths.length === 0 ? { ...current, ...update } : current;
    for (const path of options.paths) next = withField(next, update, path);
    next = { ...next, ...kept(next), updatedAt: options.now ?? nowNanos() };
    checkImage(next);
    const changes = [...(await holdIfExpiring(storage, scope, next)), store.images.put(next, next)];
    await store.commit(changes, [imageUpdated(next)]);
    return next;
  });
}

/** With `target`, only while the image still points there. */
export async function deleteImage(
  storage: ImageStorage,
  scope: Scope,
  { name, target }: { readonly name: string; readonly target?: string | undefined },
): Promise<void> {
  const { store, garbage } = storage;
  await changing(storage, { namespace: scope.namespace, name }, async () => {
    const record = await getImage(storage, scope.namespace, name);
    if (target !== undefined && target !== record.target.digest) {
      const message = `image ${JSON.stringify(name)} has target ${record.target.digest}, not ${target}: not found`;
      throw new BerthError('not-found', message);
    }
    const release = releaseFromLease(store, scope, imageResource(name));
    await store.commit([store.images.remove(record), ...release], [imageDeleted(record)]);
  });
  garbage.schedule();
}

/** Changes of one image come one after the other, and none while the collector decides. */
async function changing<T>(
  { store, imageQueue }: ImageStorage,
  { namespace, name }: Pick<ImageRecord, 'namespace' | 'name'>,
  work: () => Promise<T>,
): Promise<T> {
  return await imageQueue.run(`${namespace}/${name}`, () => store.references.shared(work));
}

/** An image that never expires is a root by itself; only one that does needs a lease. */
async function holdIfExpiring({ store }: ImageStorage, scope: Scope, { name, labels }: ImageRecord): Promise<Change[]> {
  return expireLabel in labels ? await holdByLease(store, scope, imageResource(name)) : [];
}

function kept<D extends Pick<ImageDraft, 'labels' | 'target'>>(draft: D): D {
  const annotations = Object.fromEntries(Object.entries(draft.target.annotations).filter(([, value]) => value !== ''));
  return { ...draft, labels: keptLabels(draft.labels), target: { ...draft.target, annotations } };
}

function fieldsOf({ name, target, labels }: ImageRecord): FieldLookup {
  return ([field, ...rest]) => {
    switch (field) {
      case 'name':
        return name;
      case 'target':
        return rest[0] === 'digest' ? target.digest : rest[0] === 'mediatype' ? target.mediaType : undefined;
      case 'labels':
        return mapField(labels, rest);
      case 'annotations':
        return mapField(target.annotations, rest);
      default:
        return undefined;
    }
  };
}
