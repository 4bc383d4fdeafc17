// Finds the manifest and the configuration behind an image's target, for one platform.
import { BerthError, isBerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import {
  type ImageConfig,
  type ImageManifest,
  isIndex,
  isManifest,
  parseConfig,
  parseIndex,
  parseManifest,
  type PlatformDescriptor,
} from '../../domain/oci-image.js';
import { formatPlatform, type Platform, preferredFor, runsOn } from '../../domain/platform.js';
import { readBlob } from '../content/read-blob.js';
import type { ImageStorage } from '../image-storage.js';

export interface PlatformImage {
  readonly target: Descriptor;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** Of an index, a manifest or a configuration; containerd's limit. */
export const maxDocumentBytes = 8 * 1024 * 1024;
/** Indexes may name indexes. */
export const maxIndexDepth = 4;

/** `not-found` where the target, or what it names, is not here, or not for this platform. */
export async function readImage(
  storage: ImageStorage,
  namespace: string,
  target: Descriptor,
  platform: Platform,
): Promise<PlatformImage> {
  const found = await findImage(storage, { namespace, platform, depth: 0 }, target);
  if (found !== undefined) return found;
  throw new BerthError('not-found', `image ${target.digest} has nothing for ${formatPlatform(platform)}: not found`);
}

/** Whether there is anything in it for the platform. */
export async function hasImage(
  storage: ImageStorage,
  namespace: string,
  target: Descriptor,
  platform: Platform,
): Promise<boolean> {
  return (await findImage(storage, { namespace, platform, depth: 0 }, target)) !== undefined;
}

/** Of a manifest, whatever platform it is for. */
export async function readManifest(
  storage: ImageStorage,
  namespace: string,
  target: Descriptor,
): Promise<PlatformImage> {
  const manifest = parseManifest(`manifest ${target.digest}`, await document(storage, namespace, target.digest));
  const { digest } = manifest.config;
  const config = parseConfig(`configuration ${digest}`, await document(storage, namespace, digest));
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    const message = `image ${target.digest} has ${manifest.layers.length} layers and ${config.rootfs.diff_ids.length} digests`;
    throw new BerthError('invalid-argument', message);
  }
  return { target, manifest, config };
}

/** The whole of a small blob; `invalid-argument` for one that is too large. */
export async function readDocument(storage: ImageStorage, namespace: string, digest: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const range = { offset: 0, size: maxDocumentBytes + 1, headroom: 0 };
  let size = 0;
  for await (const { buffer } of readBlob(storage, namespace, digest, range)) {
    pieces.push(Buffer.from(buffer));
    size += buffer.length;
  }
  if (size <= maxDocumentBytes) return Buffer.concat(pieces);
  throw new BerthError('invalid-argument', `content ${digest} has more than ${maxDocumentBytes} bytes`);
}

interface Search {
  readonly namespace: string;
  readonly platform: Platform;
  readonly depth: number;
}

async function findImage(
  storage: ImageStorage,
  search: Search,
  target: PlatformDescriptor,
): Promise<PlatformImage | undefined> {
  const { namespace, platform, depth } = search;
  if (isManifest(target.mediaType)) return await manifestImage(storage, search, target);
  if (!isIndex(target.mediaType)) {
    throw new BerthError('invalid-argument', `content ${target.digest} is no image but ${target.mediaType}`);
  }
  if (depth === maxIndexDepth) throw new BerthError('invalid-argument', `index ${target.digest} is nested too deeply`);
  const { manifests } = parseIndex(`index ${target.digest}`, await readDocument(storage, namespace, target.digest));
  for (const entry of preferredFor(manifests, platform)) {
    const found = await findImage(storage, { ...search, depth: depth + 1 }, entry);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A manifest that no index speaks for tells its platform in its configuration. */
async function manifestImage(
  storage: ImageStorage,
  { namespace, platform }: Search,
  target: PlatformDescriptor,
): Promise<PlatformImage | undefined> {
  const image = await readManifest(storage, namespace, target);
  if (target.platform !== undefined || image.config.os === undefined || runsOn(image.config, platform)) return image;
  return undefined;
}

async function document(storage: ImageStorage, namespace: string, digest: string): Promise<Buffer> {
  try {
    return await readDocument(storage, namespace, digest);
  } catch (error) {
    if (!isBerthError(error, 'not-found')) throw error;
    throw new BerthError('not-found', `content ${digest} of the image is not here: pull it again`, { cause: error });
  }
}
