// Images as a tar that is an OCI layout, with the file beside it that `docker load` wants.
import { BerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { parseImageReference } from '../../domain/image-reference.js';
import { isManifest, mediaTypes, parseManifest } from '../../domain/oci-image.js';
import type { Platform } from '../../domain/platform.js';
import { readBlob } from '../content/read-blob.js';
import { encodeHeader, endOfArchive, padding } from '../diff/pack/tar-header.js';
import type { ImageStorage } from '../image-storage.js';
import { hasImage, readImage } from '../oci/read-image.js';
import { type ImageTree, walkImage } from '../oci/walk-image.js';

export interface ExportedImage {
  readonly name: string;
  readonly target: Descriptor;
}

interface DockerEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

export const imageNameAnnotation = 'io.containerd.image.name';
export const refNameAnnotation = 'org.opencontainers.image.ref.name';
const layout = JSON.stringify({ imageLayoutVersion: '1.0.0' });

export interface ExportOptions {
  /** Whose image `docker load` gets of several. */
  readonly host: Platform;
  /** With the file that it wants. */
  readonly forDocker: boolean;
}

/** What an index names and is not here is left out. */
export async function* exportArchive(
  storage: ImageStorage,
  namespace: string,
  images: readonly ExportedImage[],
  { host, forDocker }: ExportOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const trees: ImageTree[] = [];
  const docker = new Map<string, DockerEntry>();
  for (const image of images) {
    const tree = await walkImage(storage, namespace, image.target, { lenient: true });
    trees.push(tree);
    const entry = await dockerEntry(storage, namespace, image, tree, host);
    if (entry === undefined) continue;
    const tags = [...(docker.get(entry.Config)?.RepoTags ?? []), ...entry.RepoTags];
    docker.set(entry.Config, { ...entry, RepoTags: tags });
  }
  yield* file('oci-layout', Buffer.from(layout));
  yield* file('index.json', Buffer.from(JSON.stringify(indexOf(images))));
  if (forDocker && docker.size > 0) yield* file('manifest.json', Buffer.from(JSON.stringify([...docker.values()])));
  const written = new Set<string>();
  const isNew = ({ digest }: Descriptor) => written.size !== written.add(digest).size;
  for (const { blobs, documents } of trees) {
    for (const { descriptor, content } of documents) if (isNew(descriptor)) yield* file(pathOf(descriptor), content);
    for (const blob of blobs) if (isNew(blob)) yield* blobFile(storage, namespace, blob);
  }
  yield endOfArchive;
}

function indexOf(images: readonly ExportedImage[]) {
  const manifests = images.map(({ name, target }) => ({
    ...target,
    annotations: { ...target.annotations, ...namesOf(name) },
  }));
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
}

/** Tools other than containerd's look for the tag alone. */
function namesOf(name: string): Record<string, string> {
  const tag = tagIn(name);
  return { [imageNameAnnotation]: name, ...(tag !== '' && { [refNameAnnotation]: tag }) };
}

function tagIn(name: string): string {
  try {
    return parseImageReference(name).tag;
  } catch {
    // Images may be recorded under any name.
    return '';
  }
}

/** Undefined where there is no image for Linux, or none that is whole. */
async function dockerEntry(
  storage: ImageStorage,
  namespace: string,
  { name, target }: ExportedImage,
  { documents }: ImageTree,
  host: Platform,
): Promise<DockerEntry | undefined> {
  const forHost = (await isUsable(storage, namespace, target, host))
    ? (await readImage(storage, namespace, target, host)).target.digest
    : undefined;
  const manifests = documents.filter(({ descriptor }) => isManifest(descriptor.mediaType));
  const chosen = manifests.find(({ descriptor }) => descriptor.digest === forHost) ?? manifests[0];
  if (chosen === undefined) return undefined;
  const { config, layers } = parseManifest(chosen.descriptor.digest, chosen.content);
  const RepoTags = tagIn(name) === '' ? [] : [name];
  return { Config: pathOf(config), RepoTags, Layers: layers.map(pathOf) };
}

async function isUsable(storage: ImageStorage, namespace: string, target: Descriptor, host: Platform) {
  try {
    return await hasImage(storage, namespace, target, host);
  } catch (error) {
    // The index names one for this host, and it is not here.
    if (error instanceof BerthError) return false;
    throw error;
  }
}

function pathOf({ digest }: Descriptor): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function* file(name: string, content: Buffer): Generator<Buffer, void, undefined> {
  yield headerOf(name, content.length);
  yield content;
  yield padding(content.length);
}

async function* blobFile(storage: ImageStorage, namespace: string, blob: Descriptor) {
  yield headerOf(pathOf(blob), blob.size);
  let size = 0;
  for await (const { buffer } of readBlob(storage, namespace, blob.digest, { offset: 0, size: 0, headroom: 0 })) {
    size += buffer.length;
    yield buffer;
  }
  if (size !== blob.size) {
    throw new BerthError('data-loss', `content ${blob.digest} has ${size} bytes, not ${blob.size} as its image says`);
  }
  yield padding(blob.size);
}

function headerOf(name: string, size: number): Buffer {
  const owner = { uid: 0, gid: 0, major: 0, minor: 0, modifiedSeconds: 0n };
  return encodeHeader({ ...owner, name, kind: 'file', mode: 0o444, size, linkName: '', attributes: new Map() });
}
