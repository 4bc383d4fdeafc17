// Makes the snapshots of an image's layers, each by its chain id, as containerd's clients do. What is there is not made
// again, and two who want the same layer wait for one.
import { randomUUID } from 'node:crypto';
import { failpoint } from '../../base/failpoint.js';
import { chainIds } from '../../domain/chain-id.js';
import { BerthError, isBerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { snapshotKeyText } from '../../domain/snapshot.js';
import { updateBlob } from '../content/blobs.js';
import { applyLayer } from '../diff/apply-layer.js';
import type { LayerStorage } from '../layer-storage.js';
import { holdByLease, snapshotResource } from '../lease-resources.js';
import type { Scope } from '../scope.js';
import { commitSnapshot } from '../snapshots/commit-snapshot.js';
import { createSnapshot } from '../snapshots/create-snapshot.js';
import { removeSnapshot } from '../snapshots/remove-snapshot.js';
import { snapshotterNamed } from '../snapshots/snapshot-storage.js';
import type { PlatformImage } from './read-image.js';

export interface UnpackedImage {
  readonly snapshotter: string;
  /** The snapshot of the whole; empty for an image without layers. */
  readonly chainId: string;
}

export interface UnpackOptions {
  readonly snapshotter: string;
  readonly signal: AbortSignal;
  /** Called before a layer is read, which is here once it resolves; without it all layers are here. */
  readonly layerReady?: (layer: Descriptor) => Promise<void>;
  /** Called once a layer's snapshot is there. */
  readonly onUnpacked?: (layer: Descriptor) => void;
}

/** containerd's label of a layer for its digest without compression. */
const uncompressedLabel = 'containerd.io/uncompressed';
/** containerd's label of a configuration for the snapshot that garbage collection keeps with it. */
const snapshotReference = 'containerd.io/gc.ref.snapshot';

/** `scope` must have a lease: until the end nothing else keeps what is made. `snapshotter` may be empty for the default. */
export async function unpackImage(
  layers: LayerStorage,
  scope: Scope,
  { manifest, config }: Pick<PlatformImage, 'manifest' | 'config'>,
  options: UnpackOptions,
): Promise<UnpackedImage> {
  const snapshotter = snapshotterNamed(layers.snapshots, options.snapshotter).name;
  const { diff_ids: diffIds } = config.rootfs;
  let parent = '';
  for (const [index, chainId] of chainIds(diffIds).entries()) {
    const [layer, diffId] = [manifest.layers[index], diffIds[index]];
    if (layer === undefined || diffId === undefined) break;
    const wanted = { snapshotter, parent, chainId, layer, diffId };
    const key = snapshotKeyText({ namespace: scope.namespace, snapshotter, key: chainId });
    await layers.unpackQueue.run(key, () => haveLayer(layers, scope, wanted, options));
    options.onUnpacked?.(layer);
    parent = chainId;
  }
  if (parent !== '') {
    const label = `${snapshotReference}.${snapshotter}`;
    const update = { namespace: scope.namespace, digest: manifest.config.digest, labels: { [label]: parent } };
    await updateBlob(layers.work.storage, update, [`labels.${label}`]);
  }
  return { snapshotter, chainId: parent };
}

interface WantedLayer {
  readonly snapshotter: string;
  readonly parent: string;
  readonly chainId: string;
  readonly layer: Descriptor;
  readonly diffId: string;
}

async function haveLayer(
  layers: LayerStorage,
  scope: Scope,
  wanted: WantedLayer,
  options: UnpackOptions,
): Promise<void> {
  if (await isHeld(layers, scope, wanted)) return;
  await options.layerReady?.(wanted.layer);
  const { snapshotter, parent, chainId, layer, diffId } = wanted;
  const key = `extract-${randomUUID()} ${chainId}`;
  const mounts = await createSnapshot(layers.snapshots, scope, {
    snapshotter,
    key,
    parent,
    kind: 'active',
    labels: {},
  });
  try {
    const request = { namespace: scope.namespace, layer, mounts: mounts.map((mount) => ({ ...mount, target: '' })) };
    const applied = await applyLayer(layers.work, { ...request, sync: true }, options.signal);
    if (applied.digest !== diffId) {
      const message = `layer ${layer.digest} is ${applied.digest} uncompressed, not ${diffId} as its image says`;
      throw new BerthError('failed-precondition', message);
    }
    failpoint('unpack.applied');
    const label = { namespace: scope.namespace, digest: layer.digest, labels: { [uncompressedLabel]: diffId } };
    await updateBlob(layers.work.storage, label, [`labels.${uncompressedLabel}`]);
    await commitSnapshot(layers.snapshots, scope, { snapshotter, key, name: chainId, parent, labels: {} });
  } catch (error) {
    await removeSnapshot(layers.snapshots, scope, { snapshotter, key }).catch(ignoreMissing);
    // A client that unpacks by itself was quicker.
    if (isBerthError(error, 'already-exists') && (await isHeld(layers, scope, wanted))) return;
    throw error;
  }
}

/** Whether the layer's snapshot is there; the lease holds it from then on. */
async function isHeld(
  { snapshots }: LayerStorage,
  scope: Scope,
  { snapshotter, chainId }: WantedLayer,
): Promise<boolean> {
  const { store, index } = snapshots;
  return await store.references.shared(async () => {
    if (index.find({ namespace: scope.namespace, snapshotter, key: chainId }) === undefined) return false;
    const held = await holdByLease(store, scope, snapshotResource(snapshotter, chainId));
    if (held.length > 0) await store.commit(held);
    return true;
  });
}

function ignoreMissing(error: unknown): void {
  if (!isBerthError(error, 'not-found')) throw error;
}
