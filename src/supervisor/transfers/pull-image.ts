// Pull: fetches an image, unpacks each layer as soon as it is here, and then lets the name mean it.
import { createHash } from 'node:crypto';
import { failpoint } from '../../base/failpoint.js';
import { BerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { formatImageReference, parseImageReference } from '../../domain/image-reference.js';
import type { Labels } from '../../domain/records.js';
import { formatPlatform, hostPlatform, type Platform } from '../../domain/platform.js';
import { pointImage } from '../../images/image-records/point-image.js';
import { hasImage, readImage } from '../../images/oci/read-image.js';
import { type UnpackedImage, unpackImage } from '../../images/oci/unpack-image.js';
import { fetchManifest } from '../../images/registry/manifests.js';
import { useRegistry } from '../../images/registry/open-registry.js';
import type { RegistryAccess } from '../../images/registry/registry-access.js';
import type { WantedPlatforms } from '../../images/transfer/choose-manifests.js';
import { fetchBlobs, fetchManifests } from '../../images/transfer/fetch-image.js';
import type { Transfer } from '../../images/transfer/transfer.js';
import type { TransferProgress } from '../../images/transfer/transfer-progress.js';
import type { Supervisor } from '../supervisor.js';
import { together } from './together.js';
import { withTransferLease } from './with-transfer-lease.js';

export interface PullRequest {
  readonly reference: string;
  readonly access: RegistryAccess;
  /** Empty for the host's. */
  readonly platforms: readonly Platform[];
  readonly allPlatforms: boolean;
  /** Of the other platforms, manifests and configurations. */
  readonly allMetadata: boolean;
  /** Empty for the default. */
  readonly snapshotter: string;
  readonly unpack: boolean;
  /** None for those that are fetched, and the host's where it is all. */
  readonly unpackPlatforms: readonly Platform[];
  /** Under which the image is recorded; none for the reference in full. */
  readonly names: readonly string[];
  /** Of the image's records. */
  readonly labels: Labels;
}

export interface NamedImage {
  readonly name: string;
  readonly target: Descriptor;
}

export interface StoredImage extends NamedImage {
  /** Absent where it is not unpacked. */
  readonly unpacked: UnpackedImage | undefined;
}

export interface PullWatcher {
  readonly progress: TransferProgress;
  onResolved(image: NamedImage): void;
}

export async function pullImage(
  supervisor: Supervisor,
  namespace: string,
  request: PullRequest,
  watcher: PullWatcher,
  caller: AbortSignal,
): Promise<StoredImage> {
  const { images: storage } = supervisor;
  const { access, allPlatforms, allMetadata, unpack } = request;
  const reference = parseImageReference(request.reference);
  const name = formatImageReference(reference);
  const platforms = request.platforms.length > 0 ? request.platforms : [hostPlatform(process.arch)];
  const unpackPlatforms = request.unpackPlatforms.length > 0 ? request.unpackPlatforms : platforms;
  const wanted: WantedPlatforms = allPlatforms ? 'all' : platforms;
  const lease = {
    namespace,
    id: `pull-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`,
    resumable: true,
  };
  return await withTransferLease(supervisor, lease, caller, async (scope) => {
    // Whatever fails first ends all the rest.
    const failed = new AbortController();
    const signal = AbortSignal.any([caller, failed.signal]);
    return await useRegistry(supervisor.transfers, { reference, access, actions: 'pull' }, async (client) => {
      const transfer: Transfer = { storage, scope, client, reference, progress: watcher.progress, signal };
      const root = await fetchManifest(client, reference.digest || reference.tag, signal);
      watcher.onResolved({ name, target: root.descriptor });
      const onlyImages = unpack && !allPlatforms;
      const plan = await fetchManifests(transfer, root, { wanted, allMetadata, onlyImages });
      if (plan.found === 0) {
        const missing = allPlatforms ? 'any platform' : platforms.map(formatPlatform).join(', ');
        throw new BerthError('not-found', `image ${name} has nothing for ${missing}: not found`);
      }
      failpoint('pull.manifests-fetched');
      await together(fetchBlobs(transfer, 'config', plan.configs).values(), failed);
      const layers = fetchBlobs(transfer, 'layer', plan.layers);
      const unpacked = unpack
        ? unpackAll(supervisor, transfer, { target: plan.target, request, platforms: unpackPlatforms, layers })
        : Promise.resolve(undefined);
      await together([...layers.values(), unpacked], failed);
      failpoint('pull.unpacked');
      for (const recorded of request.names.length > 0 ? request.names : [name]) {
        await pointImage(storage, scope, recorded, plan.target, request.labels);
      }
      failpoint('pull.image-recorded');
      return { name, target: plan.target, unpacked: await unpacked };
    });
  });
}

interface UnpackRequest {
  readonly target: Descriptor;
  readonly request: PullRequest;
  readonly platforms: readonly Platform[];
  readonly layers: ReadonlyMap<string, Promise<void>>;
}

/** Returns the first platform's. */
async function unpackAll(
  supervisor: Supervisor,
  { storage, scope, progress, signal }: Transfer,
  { target, request, platforms, layers }: UnpackRequest,
): Promise<UnpackedImage | undefined> {
  const { namespace } = scope;
  let first: UnpackedImage | undefined;
  for (const platform of platforms) {
    // Of all that an image has, nothing need be for this host.
    if (request.allPlatforms && !(await hasImage(storage, namespace, target, platform))) continue;
    const image = await readImage(storage, namespace, target, platform);
    const unpacked = await unpackImage(supervisor.layers, scope, image, {
      snapshotter: request.snapshotter,
      signal,
      layerReady: async (layer) => {
        await layers.get(layer.digest);
        progress.update(layer, 'unpacking');
      },
      onUnpacked: (layer) => progress.update(layer, 'unpacked'),
    });
    first ??= unpacked;
  }
  return first;
}
