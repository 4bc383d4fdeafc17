// Export: images as one archive.
import { BerthError } from '../../domain/errors.js';
import { hostPlatform, type Platform } from '../../domain/platform.js';
import { exportArchive, type ExportedImage } from '../../images/archive/export-archive.js';
import { getImage } from '../../images/image-records/images.js';
import { readImage } from '../../images/oci/read-image.js';
import type { Supervisor } from '../supervisor.js';

export interface ExportRequest {
  /** Names on record. */
  readonly images: readonly string[];
  /** Undefined for all that is here. */
  readonly platform: Platform | undefined;
  /** With the file that `docker load` wants. */
  readonly forDocker: boolean;
}

export async function* exportImages(
  { images: storage }: Supervisor,
  namespace: string,
  { images, platform, forDocker }: ExportRequest,
): AsyncGenerator<Buffer, void, undefined> {
  if (images.length === 0) throw new BerthError('invalid-argument', 'an export must name images');
  const found: ExportedImage[] = [];
  for (const name of new Set(images)) {
    const { target } = await getImage(storage, namespace, name);
    const chosen = platform === undefined ? target : (await readImage(storage, namespace, target, platform)).target;
    const { mediaType, digest, size } = chosen;
    found.push({ name, target: { mediaType, digest, size, annotations: {} } });
  }
  yield* exportArchive(storage, namespace, found, { host: platform ?? hostPlatform(process.arch), forDocker });
}
