// Images as OCI and Docker write them: index, manifest and configuration, as far as Berth reads them. What else they
// hold is kept where one is written anew.
import { isDigest } from './digest.js';
import { BerthError } from './errors.js';
import type { Descriptor } from './image-records.js';
import type { Platform } from './platform.js';

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const;

export interface PlatformDescriptor extends Descriptor {
  /** Absent where the index does not say. */
  readonly platform?: Partial<Platform>;
}

export interface ImageIndex {
  readonly manifests: readonly PlatformDescriptor[];
}

export interface ImageManifest {
  readonly mediaType?: string;
  readonly config: Descriptor;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
}

/** What a container of the image gets where nobody says otherwise. */
export interface ImageDefaults {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

export interface ImageConfig extends Partial<Platform> {
  readonly created?: string;
  readonly author?: string;
  readonly config?: ImageDefaults | null;
  /** Digests of the layers as they are without compression, the lowest first. */
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] };
  readonly history?: readonly HistoryEntry[] | null;
}

export function isIndex(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
}

export function isManifest(mediaType: string): boolean {
  return mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest;
}

/** `what` names the blob in the message of an `invalid-argument`. */
export function parseIndex(what: string, content: Uint8Array): ImageIndex {
  const { manifests } = parseObject(what, content) as Partial<ImageIndex>;
  if (!Array.isArray(manifests)) throw bad(what, 'it has no manifests');
  return { manifests: manifests.map((entry: unknown) => descriptorFrom(what, entry)) };
}

export function parseManifest(what: string, content: Uint8Array): ImageManifest {
  const manifest = parseObject(what, content) as Partial<ImageManifest> & { readonly manifests?: unknown };
  if (manifest.manifests !== undefined || !Array.isArray(manifest.layers)) throw bad(what, 'it has no layers');
  return {
    ...manifest,
    config: descriptorFrom(what, manifest.config),
    layers: manifest.layers.map((entry: unknown) => descriptorFrom(what, entry)),
  };
}

export function parseConfig(what: string, content: Uint8Array): ImageConfig {
  const config = parseObject(what, content) as Partial<ImageConfig>;
  const diffIds = config.rootfs?.diff_ids;
  if (config.rootfs === undefined || !Array.isArray(diffIds) || !diffIds.every(isDigestText)) {
    throw bad(what, 'it does not tell the digests of its layers');
  }
  return { ...config, rootfs: config.rootfs };
}

function descriptorFrom(what: string, value: unknown): PlatformDescriptor {
  const { mediaType, digest, size, annotations, platform } = (value ?? {}) as Partial<PlatformDescriptor>;
  if (typeof mediaType !== 'string' || !isDigestText(digest)) throw bad(what, 'a descriptor is not whole');
  if (!Number.isSafeInteger(size) || Number(size) < 0) throw bad(what, `the size of ${digest} is no number`);
  return {
    mediaType,
    digest,
    size: Number(size),
    annotations: annotations ?? {},
    ...(platform === undefined ? {} : { platform }),
  };
}

function isDigestText(value: unknown): value is string {
  return typeof value === 'string' && isDigest(value);
}

function parseObject(what: string, content: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(content).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new BerthError('invalid-argument', `${what} is not JSON`, { cause: error });
  }
  throw bad(what, 'it is not a JSON object');
}

function bad(what: string, why: string): BerthError {
  return new BerthError('invalid-argument', `${what} cannot be used: ${why}`);
}
