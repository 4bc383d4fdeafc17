// The job that makes a layer of what differs between two trees, and hands its bytes over as they come.
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { DiskJobContext } from '../../disk/disk-job-context.js';
import { type LayerTarOptions, layerTar } from './layer-tar.js';
import { type Trees, treeChanges } from './tree-changes.js';
import { type UpperDirectory, upperChanges } from './upper-changes.js';

export interface PackParameters extends LayerTarOptions {
  readonly source:
    | { readonly type: 'upper'; readonly upper: UpperDirectory }
    | { readonly type: 'trees'; readonly trees: Trees };
  readonly compression: 'none' | 'gzip';
}

export interface PackResult {
  /** Of the layer as it is before compression. */
  readonly uncompressedDigest: string;
}

const pieceBytes = 256 * 1024;
const digestAlgorithm = 'sha256';

export async function packLayer(parameters: PackParameters, context: DiskJobContext): Promise<PackResult> {
  const { source, compression } = parameters;
  const hash = createHash(digestAlgorithm);
  const changes = source.type === 'upper' ? upperChanges(source.upper) : treeChanges(source.trees);
  const tar = Readable.from(hashedPieces(layerTar(changes, parameters), hash, context));
  const emit = async (pieces: AsyncIterable<unknown>): Promise<void> => {
    for await (const piece of pieces) await context.emit(piece as Buffer);
  };
  if (compression === 'none') await pipeline(tar, emit);
  // The header's time stays 0: the same layer gives the same blob.
  else await pipeline(tar, createGzip({ chunkSize: pieceBytes }), emit);
  return { uncompressedDigest: `${digestAlgorithm}:${hash.digest('hex')}` };
}

/** Gathers small pieces, of which a tar has many. */
function* hashedPieces(
  tar: Iterable<Buffer>,
  hash: Hash,
  context: Pick<DiskJobContext, 'checkCancelled'>,
): Generator<Buffer, void, undefined> {
  let gathered: Buffer[] = [];
  let size = 0;
  for (const bytes of tar) {
    context.checkCancelled();
    hash.update(bytes);
    gathered.push(bytes);
    size += bytes.length;
    if (size < pieceBytes) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(gathered);
}
