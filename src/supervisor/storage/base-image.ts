// The image that a container was made from, as far as it is still here; what the container's snapshot stands on decides.
import { chainIds } from '../../domain/chain-id.js';
import { BerthError, isBerthError } from '../../domain/errors.js';
import { manifestLabel } from '../../domain/image-label.js';
import type { Descriptor } from '../../domain/image-records.js';
import { type ImageConfig, type ImageManifest, isManifest, mediaTypes } from '../../domain/oci-image.js';
import { hostPlatform } from '../../domain/platform.js';
import type { ContainerRecord } from '../../domain/records.js';
import { getImage } from '../../images/image-records/images.js';
import { readImage, readManifest } from '../../images/oci/read-image.js';
import { getSnapshot } from '../../images/snapshots/find-snapshot.js';
import { snapshotterNamed } from '../../images/snapshots/snapshot-storage.js';
import type { Mount } from '../../linux/mount.js';
import type { Supervisor } from '../supervisor.js';

export interface BaseImage {
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  /** What shows the image alone; none for an image without layers. */
  readonly mounts: readonly Mount[];
}

/** `failed-precondition` where the image is gone, or has become another. */
export async function baseImage(supervisor: Supervisor, container: ContainerRecord): Promise<BaseImage> {
  const { namespace, snapshotter, snapshotKey, id } = container;
  const { parent } = getSnapshot(supervisor.layers.snapshots, { namespace, snapshotter, key: snapshotKey });
  const mounts = parent === '' ? [] : parentMounts(supervisor, container, parent);
  for await (const target of candidates(supervisor, container)) {
    const found = await imageBehind(supervisor, namespace, target);
    if (found === undefined || (chainIds(found.config.rootfs.diff_ids).at(-1) ?? '') !== parent) continue;
    return { ...found, mounts };
  }
  const name = container.image === '' ? 'its image' : `its image ${container.image}`;
  throw new BerthError('failed-precondition', `container ${id}: ${name} is gone, or has become another: pull it again`);
}

/** The very manifest where it is on record, else whatever the image's name means by now. */
async function* candidates({ images }: Supervisor, { namespace, image, labels }: ContainerRecord) {
  const digest = labels[manifestLabel];
  if (digest !== undefined) yield { mediaType: mediaTypes.manifest, digest, size: 0, annotations: {} };
  if (image === '') return;
  try {
    yield (await getImage(images, namespace, image)).target;
  } catch (error) {
    if (!isBerthError(error, 'not-found')) throw error;
  }
}

async function imageBehind({ images }: Supervisor, namespace: string, target: Descriptor) {
  try {
    if (isManifest(target.mediaType)) return await readManifest(images, namespace, target);
    return await readImage(images, namespace, target, hostPlatform(process.arch));
  } catch (error) {
    if (isBerthError(error, 'not-found') || isBerthError(error, 'invalid-argument')) return undefined;
    throw error;
  }
}

/** As a view of the parent would show it. */
function parentMounts({ layers }: Supervisor, { namespace, snapshotter }: ContainerRecord, parent: string): Mount[] {
  const record = getSnapshot(layers.snapshots, { namespace, snapshotter, key: parent });
  const stack = [record, ...layers.snapshots.index.ancestors(record)];
  const mounts = snapshotterNamed(layers.snapshots, snapshotter).mounts({ ...record, kind: 'view' }, stack);
  return mounts.map((mount) => ({ ...mount, target: '' }));
}
