// Import: takes the images of an archive, unpacks what is for this host, and lets their names mean them.
import { randomUUID } from 'node:crypto';
import { failpoint } from '../../base/failpoint.js';
import type { Labels } from '../../domain/records.js';
import type { Platform } from '../../domain/platform.js';
import { importArchive } from '../../images/archive/import-archive.js';
import type { ImageNaming } from '../../images/archive/image-names.js';
import { pointImage } from '../../images/image-records/point-image.js';
import { describeImage } from '../../images/oci/describe-image.js';
import { hasImage, readImage } from '../../images/oci/read-image.js';
import { type UnpackedImage, unpackImage } from '../../images/oci/unpack-image.js';
import type { Scope } from '../../images/scope.js';
import type { ArchivedImage } from '../../images/archive/docker-archive.js';
import type { Supervisor } from '../supervisor.js';
import type { StoredImage } from './pull-image.js';
import { withTransferLease } from './with-transfer-lease.js';

export interface ImportRequest {
  readonly naming: ImageNaming;
  /** Of the images' records. */
  readonly labels: Labels;
  readonly platform: Platform;
  /** Empty for the default. */
  readonly snapshotter: string;
  readonly unpack: boolean;
  readonly archive: AsyncIterable<Uint8Array>;
}

export async function importImages(
  supervisor: Supervisor,
  namespace: string,
  request: ImportRequest,
  signal: AbortSignal,
): Promise<StoredImage[]> {
  const { images: storage, layers } = supervisor;
  const { naming, labels, archive } = request;
  const ref = `import-${randomUUID()}`;
  return await withTransferLease(supervisor, { namespace, id: ref, resumable: false }, signal, async (scope) => {
    const options = { ref, naming, limits: { maxBytes: layers.work.limits.maxBytes }, signal };
    const images = await importArchive(storage, scope, archive, options);
    failpoint('import.read');
    const stored: StoredImage[] = [];
    for (const image of images) {
      const unpacked = request.unpack ? await unpackFor(supervisor, scope, image, request, signal) : undefined;
      for (const name of image.names) {
        const { target } = await pointImage(storage, scope, name, image.target, labels);
        stored.push({ name, target, unpacked });
      }
    }
    return stored;
  });
}

/** Undefined where the archive has nothing for the platform. */
async function unpackFor(
  { images: storage, layers }: Supervisor,
  scope: Scope,
  { target }: ArchivedImage,
  { platform, snapshotter }: ImportRequest,
  signal: AbortSignal,
): Promise<UnpackedImage | undefined> {
  const { manifests } = await describeImage(storage, scope.namespace, target);
  const isWhole = manifests.some(({ complete }) => complete);
  if (!isWhole || !(await hasImage(storage, scope.namespace, target, platform))) return undefined;
  const image = await readImage(storage, scope.namespace, target, platform);
  return await unpackImage(layers, scope, image, { snapshotter, signal });
}
