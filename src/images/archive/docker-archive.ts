// What `docker save` writes: a list of images, each a configuration and layers, without manifests. Each gets one.
import { createHash } from 'node:crypto';
import { BerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { fullImageName } from '../../domain/image-reference.js';
import { mediaTypes } from '../../domain/oci-image.js';
import { readBlob } from '../content/read-blob.js';
import type { ImageStorage } from '../image-storage.js';
import type { Scope } from '../scope.js';
import { keepDocument } from '../transfer/keep-document.js';
import type { ArchiveContent } from './archive-content.js';

export interface ArchivedImage {
  readonly target: Descriptor;
  /** As the archive has them, in full or not; empty where it names none. */
  readonly names: readonly string[];
}

interface DockerImage {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

const layerType = 'application/vnd.docker.image.rootfs.diff.tar';
const gzipMagic = '1f8b';
const zstdMagic = '28b52ffd';

export async function readDockerArchive(
  storage: ImageStorage,
  scope: Scope,
  archive: ArchiveContent,
  list: Buffer,
  signal: AbortSignal,
): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = [];
  for (const { Config, RepoTags, Layers } of parseList(list)) {
    const config = { mediaType: mediaTypes.dockerConfig, ...fileIn(archive, Config) };
    const layers: Descriptor[] = [];
    for (const path of Layers) {
      const file = fileIn(archive, path);
      layers.push({ ...file, mediaType: await layerTypeOf(storage, scope.namespace, file.digest) });
    }
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: bare(config),
      layers: layers.map(bare),
    };
    const content = Buffer.from(JSON.stringify(manifest));
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const target = { mediaType: mediaTypes.dockerManifest, digest, size: content.length, annotations: {} };
    await keepDocument(storage, scope, { ref: `manifest-${digest}`, descriptor: target, content, labels: {} }, signal);
    images.push({ target, names: RepoTags.map(fullImageName) });
  }
  return images;
}

function parseList(content: Buffer): DockerImage[] {
  try {
    const list: unknown = JSON.parse(content.toString('utf8'));
    if (!Array.isArray(list)) throw unreadable();
    return list.map((image: Partial<Record<keyof DockerImage, unknown>>) => {
      const { Config, RepoTags, Layers } = image;
      const tags = RepoTags ?? [];
      if (typeof Config !== 'string' || !isTexts(tags) || !isTexts(Layers)) throw unreadable();
      return { Config, RepoTags: tags, Layers };
    });
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(cause?: unknown): BerthError {
  return new BerthError('invalid-argument', 'manifest.json of the archive cannot be read', { cause });
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function fileIn(archive: ArchiveContent, path: string): Omit<Descriptor, 'mediaType'> {
  const found = archive.find(path);
  if (found === undefined)
    throw new BerthError('invalid-argument', `the archive has no ${path}, which its image names`);
  return { ...found, annotations: {} };
}

/** What compresses it is told by its first bytes. */
async function layerTypeOf(storage: ImageStorage, namespace: string, digest: string): Promise<string> {
  let magic = '';
  for await (const { buffer } of readBlob(storage, namespace, digest, { offset: 0, size: 4, headroom: 0 })) {
    magic += buffer.toString('hex');
  }
  if (magic.startsWith(gzipMagic)) return `${layerType}.gzip`;
  return magic === zstdMagic ? `${layerType}.zstd` : layerType;
}

function bare({ mediaType, size, digest }: Descriptor) {
  return { mediaType, size, digest };
}
