// All that is known of images: their records, with what their manifests say.
import { chainIds } from '../../domain/chain-id.js';
import type { Descriptor, ImageRecord } from '../../domain/image-records.js';
import type { Platform } from '../../domain/platform.js';
import { getImage, listImages } from '../../images/image-records/images.js';
import { describeImage, type DescribedManifest } from '../../images/oci/describe-image.js';
import { readDocument, readImage } from '../../images/oci/read-image.js';
import type { Supervisor } from '../supervisor.js';

export interface ImageSummary {
  readonly record: ImageRecord;
  readonly manifests: readonly DescribedManifest[];
  /** Bytes of all that is here of it. */
  readonly size: number;
}

export interface InspectedLayer {
  readonly blob: Descriptor;
  readonly diffId: string;
  readonly chainId: string;
  readonly snapshotters: readonly string[];
}

export interface InspectedImage {
  readonly summary: ImageSummary;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly configContent: Buffer;
  readonly layers: readonly InspectedLayer[];
}

export async function* summarizeImages(
  { images }: Supervisor,
  namespace: string,
  filters: readonly string[],
): AsyncGenerator<ImageSummary, void, undefined> {
  for await (const record of listImages(images, namespace, filters)) {
    // One that cannot be read is listed all the same.
    const { manifests, size } = await summary(images, record).catch(() => ({ manifests: [], size: 0 }));
    yield { record, manifests, size };
  }
}

export async function inspectImage(
  { images, layers }: Supervisor,
  namespace: string,
  name: string,
  platform: Platform,
): Promise<InspectedImage> {
  const record = await getImage(images, namespace, name);
  const { target, manifest, config } = await readImage(images, namespace, record.target, platform);
  const { diff_ids: diffIds } = config.rootfs;
  const chain = chainIds(diffIds);
  const snapshotters = layers.snapshots.snapshotters.map(({ name }) => name);
  return {
    summary: { record, ...(await summary(images, record)) },
    manifest: target,
    config: manifest.config,
    configContent: await readDocument(images, namespace, manifest.config.digest),
    layers: manifest.layers.map((blob, index) => {
      const [diffId = '', chainId = ''] = [diffIds[index], chain[index]];
      const isIn = (snapshotter: string) =>
        layers.snapshots.index.find({ namespace, snapshotter, key: chainId }) !== undefined;
      return { blob, diffId, chainId, snapshotters: snapshotters.filter(isIn) };
    }),
  };
}

async function summary(images: Supervisor['images'], { namespace, target }: ImageRecord) {
  const { manifests, blobs } = await describeImage(images, namespace, target);
  return { manifests, size: [...blobs.values()].reduce((sum, blob) => sum + blob.size, 0) };
}
