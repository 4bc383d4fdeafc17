// An image's documents and blobs in the order in which they may be sent: what is named before what names it.
import { BerthError, isBerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { isIndex, isManifest, parseIndex, parseManifest } from '../../domain/oci-image.js';
import { getBlob } from '../content/blobs.js';
import type { ImageStorage } from '../image-storage.js';
import { maxIndexDepth, readDocument } from './read-image.js';

export interface ImageTree {
  /** Configurations and layers, each once. */
  readonly blobs: readonly Descriptor[];
  /** Manifests and indexes, the target last. */
  readonly documents: readonly { readonly descriptor: Descriptor; readonly content: Buffer }[];
}

/**
 * `lenient` leaves out what an index names and is not here whole, as long as something is; else it is
 * `failed-precondition`.
 */
export async function walkImage(
  storage: ImageStorage,
  namespace: string,
  target: Descriptor,
  { lenient }: { readonly lenient: boolean },
): Promise<ImageTree> {
  const blobs = new Map<string, Descriptor>();
  const documents = new Map<string, ImageTree['documents'][number]>();
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (documents.has(descriptor.digest)) return;
    const content = await hereOrRefused(descriptor, () => readDocument(storage, namespace, descriptor.digest));
    if (isIndex(descriptor.mediaType)) {
      if (depth === maxIndexDepth) {
        throw new BerthError('invalid-argument', `index ${descriptor.digest} is nested too deeply`);
      }
      const failures: unknown[] = [];
      const { manifests } = parseIndex(`index ${descriptor.digest}`, content);
      for (const child of manifests) await visit(child, depth + 1).catch((error: unknown) => failures.push(error));
      const isUsable = lenient && failures.length < manifests.length && failures.every(isIncomplete);
      if (failures.length > 0 && !isUsable) throw failures[0];
    } else if (isManifest(descriptor.mediaType)) {
      const { config, layers } = parseManifest(`manifest ${descriptor.digest}`, content);
      const named = [config, ...layers];
      for (const blob of named) await hereOrRefused(blob, () => getBlob(storage, namespace, blob.digest));
      for (const blob of named) blobs.set(blob.digest, blob);
    } else {
      throw new BerthError('invalid-argument', `content ${descriptor.digest} is no image but ${descriptor.mediaType}`);
    }
    const { mediaType, digest, size } = descriptor;
    documents.set(digest, { descriptor: { mediaType, digest, size, annotations: {} }, content });
  };
  await visit(target, 0);
  return { blobs: [...blobs.values()], documents: [...documents.values()] };
}

async function hereOrRefused<T>({ digest }: Descriptor, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isBerthError(error, 'not-found')) throw error;
    const message = `content ${digest} of the image is not here: name a platform that is, or pull all of them`;
    throw new BerthError('failed-precondition', message, { cause: error });
  }
}

function isIncomplete(error: unknown): boolean {
  return isBerthError(error, 'failed-precondition');
}
