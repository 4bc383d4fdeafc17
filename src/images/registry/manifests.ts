// Manifests and indexes of a registry, read whole and checked for being what was asked for.
import { createHash } from 'node:crypto';
import { type Digest, formatDigest, parseDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { isIndex, isManifest, mediaTypes } from '../../domain/oci-image.js';
import { readAnswer } from './read-answer.js';
import type { RegistryClient } from './registry-client.js';
import { withRetries } from './retry.js';

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
}

/** The limit of the distribution specification, and of Docker's registry. */
export const maxManifestBytes = 4 * 1024 * 1024;

const accepted = [mediaTypes.index, mediaTypes.dockerIndex, mediaTypes.manifest, mediaTypes.dockerManifest];
/** The first format of Docker's images, which had no digests to trust. */
const schema1 = 'application/vnd.docker.distribution.manifest.v1+';

/** By tag, or by digest: then it must be that very content. */
export async function fetchManifest(
  client: RegistryClient,
  tagOrDigest: string,
  signal: AbortSignal,
): Promise<FetchedManifest> {
  const what = `manifest ${tagOrDigest} of ${client.repository}`;
  return await withRetries(signal, async () => {
    const headers = { accept: [...accepted, '*/*;q=0.1'].join(', ') };
    const answer = await client.send({ method: 'GET', path: `manifests/${tagOrDigest}`, headers, what, signal });
    const content = await readAnswer(answer, maxManifestBytes, what);
    const promised = tagOrDigest.includes(':') ? tagOrDigest : (answer.headers['docker-content-digest'] ?? '');
    const digest = checkedDigest(content, promised, what);
    const mediaType = checkedMediaType(content, answer.headers['content-type'] ?? '', what);
    return { descriptor: { mediaType, digest, size: content.length, annotations: {} }, content };
  });
}

/** `promised` may be empty: then the registry's word is not needed. */
function checkedDigest(content: Buffer, promised: string, what: string): string {
  const { algorithm }: Pick<Digest, 'algorithm'> = promised === '' ? { algorithm: 'sha256' } : parseDigest(promised);
  const digest = formatDigest({ algorithm, hex: createHash(algorithm).update(content).digest('hex') });
  if (promised === '' || digest === promised) return digest;
  throw new BerthError(
    'failed-precondition',
    `${what}: the registry sent ${digest}, unexpected digest: not ${promised}`,
  );
}

/** The content's own word counts, where it has one: then header and content must agree. */
function checkedMediaType(content: Buffer, header: string, what: string): string {
  const told = header.split(';')[0]?.trim() ?? '';
  const own = mediaTypeIn(content, what);
  if ([told, own].some((type) => type?.startsWith(schema1))) {
    throw new BerthError('unimplemented', `${what}: images of Docker's schema 1 are not supported: push it anew`);
  }
  const mediaType = own ?? told;
  if (!isIndex(mediaType) && !isManifest(mediaType)) {
    throw new BerthError('invalid-argument', `${what} is no image but ${JSON.stringify(mediaType)}`);
  }
  const isTold = isIndex(told) || isManifest(told);
  if (!isTold || told === mediaType) return mediaType;
  throw new BerthError('failed-precondition', `${what}: the registry says ${told}, and the content says ${mediaType}`);
}

function mediaTypeIn(content: Buffer, what: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(content.toString('utf8'));
  } catch (error) {
    throw new BerthError('invalid-argument', `${what} is not JSON`, { cause: error });
  }
  if (typeof value !== 'object' || value === null)
    throw new BerthError('invalid-argument', `${what} is no JSON object`);
  const { mediaType, schemaVersion } = value as { readonly mediaType?: unknown; readonly schemaVersion?: unknown };
  if (schemaVersion === 1) return `${schema1}json`;
  return typeof mediaType === 'string' && mediaType !== '' ? mediaType : undefined;
}
