// The messages of berth.v1.Images, from what the supervisor tells.
import type { Descriptor } from '../domain/image-records.js';
import {
  type BlobProgress as BlobProgressMessage,
  BlobState,
  type ImagePlatform,
  type ImageSummary as ImageSummaryMessage,
  type ResolvedImage,
  type StoredImage as StoredImageMessage,
} from '../generated/berth/v1/images.js';
import type { Descriptor as DescriptorMessage } from '../generated/containerd/types/descriptor.js';
import type { BlobProgress } from '../images/transfer/transfer-progress.js';
import type { ImageSummary } from '../supervisor/transfers/inspect-image.js';
import type { NamedImage, StoredImage } from '../supervisor/transfers/pull-image.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';

const blobStates = {
  waiting: BlobState.WAITING,
  transferring: BlobState.TRANSFERRING,
  done: BlobState.DONE,
  exists: BlobState.EXISTS,
  unpacking: BlobState.UNPACKING,
  unpacked: BlobState.UNPACKED,
} as const satisfies Record<BlobProgress['state'], BlobState>;

export function descriptorToWire({ mediaType, digest, size, annotations }: Descriptor): DescriptorMessage {
  return { mediaType, digest, size: BigInt(size), annotations: { ...annotations } };
}

export function blobToWire({ digest, mediaType, state, offset, total }: BlobProgress): BlobProgressMessage {
  return { digest, mediaType, state: blobStates[state], offset: BigInt(offset), total: BigInt(total) };
}

export function namedToWire({ name, target }: NamedImage): ResolvedImage {
  return { name, target: descriptorToWire(target) };
}

export function storedToWire({ name, target, unpacked }: StoredImage): StoredImageMessage {
  const { snapshotter = '', chainId = '' } = unpacked ?? {};
  return { name, target: descriptorToWire(target), snapshotter, chainId };
}

export function summaryToWire({ record, manifests, size }: ImageSummary): ImageSummaryMessage {
  const platforms = manifests.map(
    ({ manifest, platform, complete, size }): ImagePlatform => ({
      manifest: descriptorToWire(manifest),
      platform,
      complete,
      size: BigInt(size),
    }),
  );
  return {
    name: record.name,
    target: descriptorToWire(record.target),
    labels: { ...record.labels },
    createdAt: timestampFromNanos(record.createdAt),
    updatedAt: timestampFromNanos(record.updatedAt),
    platforms,
    size: BigInt(size),
  };
}
