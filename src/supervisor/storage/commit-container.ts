// Makes an image of what a container has changed: a layer, a configuration, a manifest and a name, in this order and all
// under a lease, so that a failure at any point leaves garbage and nothing that looks whole.
import { failpoint } from '../../base/failpoint.js';
import { BerthError, isBerthError } from '../../domain/errors.js';
import type { ContainerKey } from '../../domain/ids.js';
import type { Descriptor } from '../../domain/image-records.js';
import { fullImageName } from '../../domain/image-reference.js';
import { changedDefaults } from '../../domain/image-changes.js';
import { type ImageConfig, type ImageManifest, mediaTypes } from '../../domain/oci-image.js';
import type { ContainerRecord } from '../../domain/records.js';
import { getBlob } from '../../images/content/blobs.js';
import { makeLayer } from '../../images/diff/make-layer.js';
import { createImage, updateImage } from '../../images/image-records/images.js';
import { unpackImage } from '../../images/oci/unpack-image.js';
import { writeDocument } from '../../images/oci/write-document.js';
import type { Scope } from '../../images/scope.js';
import { getContainer } from '../get-container.js';
import { pauseTask, resumeTask } from '../pause-task.js';
import type { Supervisor } from '../supervisor.js';
import { type BaseImage, baseImage } from './base-image.js';
import { checkStillThere, containerMounts } from './root-view.js';
import { withLease } from './with-lease.js';

export interface CommitRequest {
  /** The new image; empty for none. */
  readonly image: string;
  readonly author: string;
  readonly message: string;
  readonly changes: readonly string[];
  readonly pause: boolean;
}

const uncompressedLabel = 'containerd.io/uncompressed';
const contentReference = 'containerd.io/gc.ref.content';

/** Returns the new manifest, and the name it is on record under. */
export async function commitContainer(
  supervisor: Supervisor,
  { namespace, id }: ContainerKey,
  { lease, request, signal }: { readonly lease: string; readonly request: CommitRequest; readonly signal: AbortSignal },
): Promise<{ readonly target: Descriptor; readonly image: string }> {
  if (request.image === '' && lease === '') {
    throw new BerthError('invalid-argument', 'without a name for the image or a lease nothing would keep what is made');
  }
  const container = await getContainer(supervisor, { namespace, id });
  if (container.snapshotKey === '') {
    throw new BerthError(
      'failed-precondition',
      `container ${id} was not made from an image: there is nothing to build on`,
    );
  }
  return await withLease(supervisor, { namespace, lease }, async (scope) => {
    const base = await baseImage(supervisor, container);
    const defaults = changedDefaults(base.config.config ?? {}, request.changes);
    const layer = await withPause(supervisor, container, request.pause, () =>
      changedLayer(supervisor, scope, container, base, signal),
    );
    checkStillThere(supervisor, container);
    failpoint('commit.layer-made');
    const config = nextConfig(base.config, { defaults, request, diffId: layer.diffId });
    const target = await writeImage(supervisor, scope, { base, config, layer: layer.descriptor });
    failpoint('commit.manifest-written');
    await unpackImage(
      supervisor.layers,
      scope,
      { manifest: target.manifest, config },
      {
        snapshotter: container.snapshotter,
        signal,
      },
    );
    failpoint('commit.unpacked');
    const image = request.image === '' ? '' : fullImageName(request.image);
    if (image !== '') await nameImage(supervisor, scope, image, target.descriptor);
    return { target: target.descriptor, image };
  });
}

async function changedLayer(
  supervisor: Supervisor,
  scope: Scope,
  container: ContainerRecord,
  base: BaseImage,
  signal: AbortSignal,
): Promise<{ readonly descriptor: Descriptor; readonly diffId: string }> {
  const isDocker = base.manifest.mediaType === mediaTypes.dockerManifest;
  const mediaType = isDocker ? 'application/vnd.docker.image.rootfs.diff.tar.gzip' : '';
  const request = { left: base.mounts, right: containerMounts(supervisor, container), mediaType, ref: '', labels: {} };
  const descriptor = await makeLayer(supervisor.layers.work, scope, { ...request, latestNanos: undefined }, signal);
  const { labels } = await getBlob(supervisor.images, scope.namespace, descriptor.digest);
  return { descriptor, diffId: labels[uncompressedLabel] ?? '' };
}

/** A container that is not running needs no pause. */
async function withPause<T>(
  supervisor: Supervisor,
  key: ContainerKey,
  wanted: boolean,
  work: () => Promise<T>,
): Promise<T> {
  if (!wanted || supervisor.tasks.find(key)?.record.init.state !== 'running') return await work();
  await pauseTask(supervisor, key);
  try {
    return await work();
  } finally {
    await resumeTask(supervisor, key).catch((error: unknown) => {
      // It has ended, or was removed, while it was paused.
      if (!isBerthError(error, 'not-found') && !isBerthError(error, 'failed-precondition')) throw error;
    });
  }
}

function nextConfig(
  base: ImageConfig,
  {
    defaults,
    request,
    diffId,
  }: { readonly defaults: ImageConfig['config']; readonly request: CommitRequest; readonly diffId: string },
): ImageConfig {
  const created = new Date().toISOString();
  const { author, message } = request;
  const told = { ...(author === '' ? {} : { author }), ...(message === '' ? {} : { comment: message }) };
  const entry = { created, created_by: ['berth commit', ...request.changes].join('; '), ...told };
  return {
    ...base,
    created,
    ...(author === '' ? {} : { author }),
    config: defaults ?? {},
    rootfs: { type: 'layers', diff_ids: [...base.rootfs.diff_ids, diffId] },
    history: [...(base.history ?? []), entry],
  };
}

async function writeImage(
  { images }: Supervisor,
  scope: Scope,
  { base, config, layer }: { readonly base: BaseImage; readonly config: ImageConfig; readonly layer: Descriptor },
): Promise<{ readonly descriptor: Descriptor; readonly manifest: ImageManifest }> {
  const isDocker = base.manifest.mediaType === mediaTypes.dockerManifest;
  const configType = isDocker ? mediaTypes.dockerConfig : mediaTypes.config;
  const configuration = await writeDocument(images, scope, { mediaType: configType, document: config, labels: {} });
  const mediaType = isDocker ? mediaTypes.dockerManifest : mediaTypes.manifest;
  const layers = [...base.manifest.layers, layer];
  const manifest = { schemaVersion: 2, mediaType, config: configuration, layers };
  const labels = Object.fromEntries([
    [`${contentReference}.config`, configuration.digest],
    ...layers.map(({ digest }, index) => [`${contentReference}.l.${index}`, digest]),
  ]) as Record<string, string>;
  const descriptor = await writeDocument(images, scope, { mediaType, document: toJson(manifest), labels });
  return { descriptor, manifest };
}

function toJson({ config, layers, ...rest }: ImageManifest): object {
  return { ...rest, config: plain(config), layers: layers.map(plain) };
}

/** Without the empty annotations that a descriptor has on record. */
function plain({ annotations, ...descriptor }: Descriptor): object {
  return Object.keys(annotations).length === 0 ? descriptor : { ...descriptor, annotations };
}

async function nameImage({ images }: Supervisor, scope: Scope, name: string, target: Descriptor): Promise<void> {
  try {
    await createImage(images, scope, { name, labels: {}, target });
  } catch (error) {
    if (!isBerthError(error, 'already-exists')) throw error;
    await updateImage(images, scope, { name, labels: {}, target }, { paths: ['target'] });
  }
}
