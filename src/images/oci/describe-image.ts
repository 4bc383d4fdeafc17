// What an image consists of, as far as it is here: its manifests by platform, and their sizes.
import { isBerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import {
  isIndex,
  isManifest,
  parseConfig,
  parseIndex,
  parseManifest,
  type PlatformDescriptor,
} from '../../domain/oci-image.js';
import { formatPlatform, platformOf } from '../../domain/platform.js';
import { parseDigest } from '../../domain/digest.js';
import type { ImageStorage } from '../image-storage.js';
import { maxIndexDepth, readDocument } from './read-image.js';

export interface DescribedManifest {
  readonly manifest: Descriptor;
  /** `os/architecture[/variant]`; empty where it is not known. */
  readonly platform: string;
  /** Whether all of it is here. */
  readonly complete: boolean;
  /** Bytes of all that the manifest names, and of itself; 0 where it is not here. */
  readonly size: number;
}

export interface DescribedImage {
  readonly manifests: readonly DescribedManifest[];
  /** Of every document and layer that is here, each once. */
  readonly blobs: ReadonlyMap<string, Descriptor>;
}

export async function describeImage(
  storage: ImageStorage,
  namespace: string,
  target: Descriptor,
): Promise<DescribedImage> {
  const manifests: DescribedManifest[] = [];
  const blobs = new Map<string, Descriptor>();
  const note = async (blob: Descriptor): Promise<boolean> => {
    const isHere = blobs.has(blob.digest) || (await hasBlob(storage, namespace, blob.digest));
    if (isHere) blobs.set(blob.digest, blob);
    return isHere;
  };
  const visit = async (descriptor: PlatformDescriptor, depth: number): Promise<void> => {
    const content = (await note(descriptor)) ? await readDocument(storage, namespace, descriptor.digest) : undefined;
    if (isIndex(descriptor.mediaType) && content !== undefined && depth < maxIndexDepth) {
      for (const child of parseIndex(descriptor.digest, content).manifests) await visit(child, depth + 1);
    } else if (isManifest(descriptor.mediaType)) {
      manifests.push(await describeManifest(storage, namespace, descriptor, content, note));
    }
  };
  await visit(target, 0);
  return { manifests, blobs };
}

async function describeManifest(
  storage: ImageStorage,
  namespace: string,
  descriptor: PlatformDescriptor,
  content: Buffer | undefined,
  note: (blob: Descriptor) => Promise<boolean>,
): Promise<DescribedManifest> {
  const { platform, ...manifest } = descriptor;
  const told = platform === undefined ? '' : formatPlatform(platformOf(platform));
  if (content === undefined) return { manifest, platform: told, complete: false, size: 0 };
  const { config, layers } = parseManifest(descriptor.digest, content);
  let complete = true;
  let size = content.length;
  for (const blob of [config, ...layers]) {
    if (!(await note(blob))) complete = false;
    size += blob.size;
  }
  const known = told === '' ? await configuredPlatform(storage, namespace, config.digest) : told;
  return { manifest, platform: known, complete, size };
}

async function configuredPlatform(storage: ImageStorage, namespace: string, digest: string): Promise<string> {
  try {
    const config = parseConfig(digest, await readDocument(storage, namespace, digest));
    return config.os === undefined ? '' : formatPlatform(platformOf(config));
  } catch (error) {
    // It is not here, or no configuration of an image at all.
    if (isBerthError(error, 'not-found') || isBerthError(error, 'invalid-argument')) return '';
    throw error;
  }
}

async function hasBlob({ store, content }: ImageStorage, namespace: string, digest: string): Promise<boolean> {
  const record = await store.blobs.get({ namespace, digest });
  return record !== undefined && (await content.blobSize(parseDigest(digest))) !== undefined;
}
