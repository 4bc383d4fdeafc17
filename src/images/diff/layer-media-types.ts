// The media types of layers: which can be unpacked, which can be made, and whether they may be compressed.
import { BerthError } from '../../domain/errors.js';

export const uncompressedLayer = 'application/vnd.oci.image.layer.v1.tar';
export const gzippedLayer = 'application/vnd.oci.image.layer.v1.tar+gzip';

const dockerLayers = [
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
];
const ociLayers = [uncompressedLayer, 'application/vnd.oci.image.layer.nondistributable.v1.tar'];

/**
 * Whether a layer of this type may be compressed; its first bytes then tell how. Docker's types say nothing of it for
 * sure. Throws `invalid-argument` for what is no layer, or is one that cannot be read, such as an encrypted one.
 */
export function mayBeCompressed(mediaType: string): boolean {
  const [base = '', ...suffixes] = mediaType.split('+');
  if (suffixes.some((suffix) => suffix !== 'gzip' && suffix !== 'zstd')) throw unreadable(mediaType);
  if (suffixes.length === 0 && dockerLayers.some((type) => base === type || base === `${type}.gzip`)) return true;
  if (base === `${dockerLayers[0]}.zstd` && suffixes.length === 0) return true;
  if (ociLayers.includes(base) && suffixes.length <= 1) return suffixes.length === 1;
  throw unreadable(mediaType);
}

/** How a layer of this type is to be compressed. Throws `unimplemented` for what cannot be made. */
export function compressionFor(mediaType: string): 'none' | 'gzip' {
  if (mediaType === uncompressedLayer || mediaType === dockerLayers[0]) return 'none';
  if (mediaType === gzippedLayer || mediaType === `${dockerLayers[0]}.gzip`) return 'gzip';
  throw new BerthError('unimplemented', `unsupported diff media type: ${mediaType}`);
}

function unreadable(mediaType: string): BerthError {
  const message = `content of type ${JSON.stringify(mediaType)} cannot be unpacked: not a tar layer, plain, gzip or zstd`;
  return new BerthError('invalid-argument', message);
}
