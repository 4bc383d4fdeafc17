// Unpacks a layer of the content store into what a snapshot's mounts show.
import { failpoint } from '../../base/failpoint.js';
import { parseDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import type { Mount } from '../../linux/mount.js';
import { getBlob } from '../content/blobs.js';
import { directTarget } from './layer-mounts.js';
import { mayBeCompressed, uncompressedLayer } from './layer-media-types.js';
import type { LayerWork } from './layer-work.js';
import type { UnpackTarget } from './unpack/unpack-layer.js';

export interface ApplyRequest {
  readonly namespace: string;
  readonly layer: Descriptor;
  readonly mounts: readonly Mount[];
  /** Whether everything is to be on the disk before the answer. */
  readonly sync: boolean;
}

/** Returns the uncompressed layer. What was unpacked before a failure stays: the snapshot is the client's to remove. */
export async function applyLayer(work: LayerWork, request: ApplyRequest, signal: AbortSignal): Promise<Descriptor> {
  const { layer, namespace, mounts, sync } = request;
  if (mounts.length === 0)
    throw new BerthError('invalid-argument', `layer ${layer.digest} is to be applied to no mounts`);
  const isCompressible = mayBeCompressed(layer.mediaType);
  const blob = await getBlob(work.storage, namespace, layer.digest);
  if (layer.size > 0 && layer.size !== blob.size) {
    const message = `content ${layer.digest} has ${blob.size} bytes, not ${layer.size} as its descriptor says`;
    throw new BerthError('failed-precondition', message);
  }
  const digest = parseDigest(layer.digest);
  const file = await work.storage.content.openBlob(digest);
  try {
    const source = { fd: file.fd, digest, size: blob.size, mayBeCompressed: isCompressible };
    const unpack = async (target: UnpackTarget) =>
      await work.pool.run('unpack', { blob: source, target, limits: work.limits, sync }, { signal });
    const direct = directTarget(mounts);
    const summary =
      direct === undefined
        ? await work.mounts.use(mounts, (path) => unpack({ path, whiteouts: 'plain', lowers: [] }))
        : await unpack(direct);
    failpoint('diff.applied');
    return { mediaType: uncompressedLayer, digest: summary.digest, size: summary.size, annotations: {} };
  } finally {
    await file.close();
  }
}
