// Takes the images of an archive into the content store, with the labels by which garbage collection keeps what they name.
import { BerthError } from '../../domain/errors.js';
import { isIndex, parseIndex, parseManifest } from '../../domain/oci-image.js';
import type { ImageStorage } from '../image-storage.js';
import { walkImage } from '../oci/walk-image.js';
import type { Scope } from '../scope.js';
import { childLabels } from '../transfer/child-labels.js';
import { addLabels } from '../transfer/keep-document.js';
import { type ArchiveContent, type ArchiveLimits, readArchive } from './archive-content.js';
import { type ArchivedImage, readDockerArchive } from './docker-archive.js';
import { imageNameAnnotation, refNameAnnotation } from './export-archive.js';
import type { ImageNaming } from './image-names.js';

export interface ImportOptions {
  readonly ref: string;
  readonly naming: ImageNaming;
  readonly limits: ArchiveLimits;
  readonly signal: AbortSignal;
}

/** Each image with the names it gets. The scope's lease keeps all of it until names are recorded. */
export async function importArchive(
  storage: ImageStorage,
  scope: Scope,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<ArchivedImage[]> {
  const archive = await readArchive(storage, scope, source, options);
  const images = await imagesIn(storage, scope, archive, options.signal);
  if (images.length === 0) throw new BerthError('invalid-argument', 'the archive has no images');
  const named: ArchivedImage[] = [];
  for (const { target, names } of images) {
    named.push({ target, names: options.naming(target.digest, names) });
    await label(storage, scope.namespace, target);
  }
  return named;
}

async function imagesIn(
  storage: ImageStorage,
  scope: Scope,
  archive: ArchiveContent,
  signal: AbortSignal,
): Promise<ArchivedImage[]> {
  const [index, list] = ['index.json', 'manifest.json'].map((name) => archive.documents.get(name));
  if (archive.documents.has('oci-layout') && index !== undefined) return imagesOfIndex(index);
  if (list !== undefined) return await readDockerArchive(storage, scope, archive, list, signal);
  throw new BerthError('invalid-argument', 'the archive is neither an OCI layout nor one of docker save');
}

function imagesOfIndex(content: Buffer): ArchivedImage[] {
  return parseIndex('index.json of the archive', content).manifests.map(({ mediaType, digest, size, annotations }) => {
    const name = annotations[imageNameAnnotation] ?? annotations[refNameAnnotation];
    return { target: { mediaType, digest, size, annotations: {} }, names: name === undefined ? [] : [name] };
  });
}

/** Fails where what the image is made of is not in the archive, nor here. */
async function label(storage: ImageStorage, namespace: string, target: ArchivedImage['target']): Promise<void> {
  const { documents } = await walkImage(storage, namespace, target, { lenient: true });
  for (const { descriptor, content } of documents) {
    const children = isIndex(descriptor.mediaType)
      ? parseIndex(descriptor.digest, content).manifests
      : [parseManifest(descriptor.digest, content)].flatMap(({ config, layers }) => [config, ...layers]);
    await addLabels(storage, namespace, descriptor.digest, childLabels(children));
  }
}
