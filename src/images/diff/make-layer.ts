// Makes a layer of what differs between two trees, and keeps it in the content store.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { failpoint } from '../../base/failpoint.js';
import { isBerthError } from '../../domain/errors.js';
import type { BlobRecord, Descriptor } from '../../domain/image-records.js';
import type { Labels } from '../../domain/records.js';
import type { Mount } from '../../linux/mount.js';
import { getBlob, updateBlob } from '../content/blobs.js';
import type { ContentWriter } from '../content/content-writer.js';
import { abortIngest } from '../content/ingests.js';
import { openWriter } from '../content/open-writer.js';
import type { Scope } from '../scope.js';
import { attributesOf, layerStack, readOnlyMounts } from './layer-mounts.js';
import { compressionFor, gzippedLayer } from './layer-media-types.js';
import type { LayerWork } from './layer-work.js';
import type { PackParameters } from './pack/pack-layer.js';

export interface MakeRequest {
  /** What was there before. */
  readonly left: readonly Mount[];
  readonly right: readonly Mount[];
  /** Empty makes a gzipped OCI layer. */
  readonly mediaType: string;
  /** Of the write; empty makes one up. */
  readonly ref: string;
  readonly labels: Labels;
  /** The latest time that an entry may carry. */
  readonly latestNanos: bigint | undefined;
}

/** containerd's label for the digest that a compressed layer has without its compression. */
const uncompressedLabel = 'containerd.io/uncompressed';

export async function makeLayer(
  work: LayerWork,
  scope: Scope,
  request: MakeRequest,
  signal: AbortSignal,
): Promise<Descriptor> {
  const mediaType = request.mediaType === '' ? gzippedLayer : request.mediaType;
  const compression = compressionFor(mediaType);
  const ref = request.ref === '' ? `diff-${randomUUID()}` : request.ref;
  const writer = await openWriter(work.storage, scope, { ref, total: 0, expected: '' });
  try {
    await writer.truncate();
    const pack = async (source: PackParameters['source']) =>
      await work.pool.run(
        'pack',
        { source, compression, latestNanos: request.latestNanos },
        { signal, onPiece: async (piece) => await writer.append(piece) },
      );
    const { uncompressedDigest } = await withSource(work, request, pack);
    failpoint('diff.packed');
    const extra = compression === 'none' ? {} : { [uncompressedLabel]: uncompressedDigest };
    const blob = await commitLayer(work, scope, writer, { ...request.labels, ...extra });
    return { mediaType, digest: blob.digest, size: blob.size, annotations: {} };
  } catch (error) {
    await writer.close();
    // A ref of the client's own stays its own to go on with or to give up.
    if (request.ref === '') await abortIngest(work.storage, scope, ref).catch(() => undefined);
    throw error;
  } finally {
    await writer.close();
  }
}

/** Reads the topmost directory alone where it holds all that differs; else both trees. */
async function withSource<T>(
  { mounts }: LayerWork,
  { left, right }: MakeRequest,
  pack: (source: PackParameters['source']) => Promise<T>,
): Promise<T> {
  const [before, after] = [layerStack(left), layerStack(right)];
  const [top, ...rest] = after ?? [];
  if (top !== undefined && before !== undefined && isEqual(before, rest) && marksAreComplete()) {
    const [mount] = right;
    const attributes = mount === undefined ? 'trusted' : attributesOf(mount);
    return await pack({ type: 'upper', upper: { path: top, lowers: rest, attributes } });
  }
  return await mounts.use(readOnlyMounts(left), (lower) =>
    mounts.use(readOnlyMounts(right), (upper) => pack({ type: 'trees', trees: { lower, upper } })),
  );
}

/** Unless the kernel leaves parts of what was changed in the layers below. */
function marksAreComplete(): boolean {
  return ['redirect_dir', 'metacopy'].every((parameter) => {
    try {
      return readFileSync(`/sys/module/overlay/parameters/${parameter}`, 'utf8').trim() === 'N';
    } catch {
      return true;
    }
  });
}

/** A layer that is there already is as good, but must say what it is uncompressed. */
async function commitLayer(
  { storage }: LayerWork,
  { namespace }: Scope,
  writer: ContentWriter,
  labels: Labels,
): Promise<BlobRecord> {
  const digest = await writer.digest();
  try {
    return await writer.commit({ total: 0, expected: undefined, labels });
  } catch (error) {
    if (!isBerthError(error, 'already-exists')) throw error;
  }
  const existing = await getBlob(storage, namespace, digest);
  if (labels[uncompressedLabel] === undefined || uncompressedLabel in existing.labels) return existing;
  return await updateBlob(storage, { namespace, digest, labels }, [`labels.${uncompressedLabel}`]);
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((path, index) => path === other[index]);
}
