// A whole image from its registry: indexes and manifests first, then configurations, then layers, several at once. Each
// document gets the labels by which garbage collection keeps what it names.
import { Slots } from '../../base/slots.js';
import { BerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { isIndex, isManifest, parseIndex, parseManifest, type PlatformDescriptor } from '../../domain/oci-image.js';
import { mayBeCompressed } from '../diff/layer-media-types.js';
import { maxDocumentBytes, maxIndexDepth } from '../oci/read-image.js';
import { type FetchedManifest, fetchManifest, maxManifestBytes } from '../registry/manifests.js';
import { childLabels, sourceLabelFor } from './child-labels.js';
import { chooseManifests, type WantedPlatforms } from './choose-manifests.js';
import { fetchBlob } from './fetch-blob.js';
import { keepDocument } from './keep-document.js';
import type { Transfer } from './transfer.js';

export interface FetchPlan {
  readonly target: Descriptor;
  /** Manifests that are wanted. */
  readonly found: number;
  /** Of all of these, and of what else is to be known of, each once. */
  readonly configs: readonly Descriptor[];
  /** Of all of these, each once. */
  readonly layers: readonly Descriptor[];
}

export interface FetchOptions {
  readonly wanted: WantedPlatforms;
  /** Of the others as well, what says what they are: manifests and configurations. */
  readonly allMetadata: boolean;
  /** Refuse early what could not be unpacked. */
  readonly onlyImages: boolean;
}

/** Blobs at once, of one pull. */
const maxParallelBlobs = 4;
/** Manifests of one index, and layers of one manifest. */
const maxChildren = 1024;

/** Fetches what tells the rest. */
export async function fetchManifests(
  transfer: Transfer,
  root: FetchedManifest,
  { wanted, allMetadata, onlyImages }: FetchOptions,
): Promise<FetchPlan> {
  const [configs, layers] = [new Map<string, Descriptor>(), new Map<string, Descriptor>()];
  let found = 0;
  const visit = async (fetched: FetchedManifest, depth: number, isWanted: boolean): Promise<void> => {
    const { descriptor, content } = fetched;
    const what = `manifest ${descriptor.digest}`;
    if (isIndex(descriptor.mediaType)) {
      if (depth === maxIndexDepth)
        throw new BerthError('invalid-argument', `index ${descriptor.digest} is nested too deeply`);
      const { manifests } = parseIndex(what, content);
      await keep(transfer, 'index', fetched, bounded(what, manifests));
      const chosen = isWanted ? chooseManifests(manifests, wanted) : [];
      for (const child of allMetadata ? manifests.filter(isImage) : chosen) {
        await visit(await childOf(transfer, child), depth + 1, chosen.includes(child));
      }
      return;
    }
    const manifest = parseManifest(what, content);
    await keep(transfer, 'manifest', fetched, bounded(what, [manifest.config, ...manifest.layers]));
    if (manifest.config.size > maxDocumentBytes) {
      throw new BerthError('invalid-argument', `${what}: its configuration has more than ${maxDocumentBytes} bytes`);
    }
    configs.set(manifest.config.digest, manifest.config);
    if (!isWanted) return;
    found++;
    if (onlyImages) for (const layer of manifest.layers) mayBeCompressed(layer.mediaType);
    for (const layer of manifest.layers) layers.set(layer.digest, layer);
  };
  await visit(root, 0, true);
  // A digest is fetched once, whatever it is named as.
  for (const digest of configs.keys()) layers.delete(digest);
  const plan = { target: root.descriptor, found, configs: [...configs.values()], layers: [...layers.values()] };
  for (const blob of plan.layers) transfer.progress.update(blob, 'waiting');
  return plan;
}

/** Begins to fetch all of them; each promise is of one digest. One that fails rejects, and `signal` ends the others. */
export function fetchBlobs(
  transfer: Transfer,
  kind: 'config' | 'layer',
  blobs: readonly Descriptor[],
): ReadonlyMap<string, Promise<void>> {
  const slots = new Slots(maxParallelBlobs);
  return new Map(
    blobs.map((blob) => [
      blob.digest,
      slots.run(async () => {
        transfer.signal.throwIfAborted();
        await fetchBlob(transfer, kind, blob);
      }),
    ]),
  );
}

function isImage({ mediaType }: Descriptor): boolean {
  return isIndex(mediaType) || isManifest(mediaType);
}

async function childOf({ client, signal }: Transfer, child: PlatformDescriptor): Promise<FetchedManifest> {
  const { digest, mediaType, size } = child;
  if (!isImage(child)) {
    throw new BerthError('invalid-argument', `${digest} is no image but ${mediaType}`);
  }
  if (size > maxManifestBytes) {
    throw new BerthError('invalid-argument', `manifest ${digest} has more than ${maxManifestBytes} bytes`);
  }
  const { content } = await fetchManifest(client, digest, signal);
  if (content.length !== size) {
    throw new BerthError(
      'failed-precondition',
      `manifest ${digest} has ${content.length} bytes, not ${size} as its index says`,
    );
  }
  return { descriptor: { mediaType, digest, size, annotations: {} }, content };
}

async function keep(
  { storage, scope, reference, signal }: Transfer,
  kind: string,
  { descriptor, content }: FetchedManifest,
  children: readonly Descriptor[],
): Promise<void> {
  const [source, repository] = sourceLabelFor(reference);
  const labels = { [source]: repository, ...childLabels(children) };
  await keepDocument(storage, scope, { ref: `${kind}-${descriptor.digest}`, descriptor, content, labels }, signal);
}

function bounded<D extends Descriptor>(what: string, children: readonly D[]): readonly D[] {
  if (children.length <= maxChildren) return children;
  throw new BerthError('invalid-argument', `${what} names ${children.length} others, more than ${maxChildren}`);
}
