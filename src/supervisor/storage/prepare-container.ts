// What a container of an image begins with: the image's layers unpacked, a snapshot of its own on them, its volumes, and
// the user it runs as. A lease holds all of it until a container's record does.
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { posix } from 'node:path';
import { failpoint } from '../../base/failpoint.js';
import { UndoStack } from '../../base/undo-stack.js';
import { BerthError, messageOf } from '../../domain/errors.js';
import { checkId } from '../../domain/ids.js';
import type { Descriptor } from '../../domain/image-records.js';
import { type ImageUser, resolveUser } from '../../domain/image-user.js';
import type { ImageDefaults } from '../../domain/oci-image.js';
import type { Platform } from '../../domain/platform.js';
import { readOnlyMounts } from '../../images/diff/layer-mounts.js';
import { findImage } from '../../images/image-records/images.js';
import { readImage } from '../../images/oci/read-image.js';
import { unpackImage } from '../../images/oci/unpack-image.js';
import type { Scope } from '../../images/scope.js';
import { createSnapshot } from '../../images/snapshots/create-snapshot.js';
import { getSnapshot } from '../../images/snapshots/find-snapshot.js';
import { removeSnapshot } from '../../images/snapshots/remove-snapshot.js';
import { makeVolumes } from '../../images/snapshots/snapshot-volumes.js';
import { readFileInRoot } from '../../linux/read-file-in-root.js';
import type { Mount } from '../../linux/mount.js';
import type { Supervisor } from '../supervisor.js';

export interface PrepareRequest {
  readonly containerId: string;
  readonly image: string;
  readonly platform: Platform;
  /** Empty for the default. */
  readonly snapshotter: string;
  /** Empty for the image's. */
  readonly user: string;
  /** Paths in the container that get no volume. */
  readonly mountedPaths: readonly string[];
}

export interface PreparedContainer {
  /** Its name on record. */
  readonly image: string;
  readonly manifest: Descriptor;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly mounts: readonly Mount[];
  readonly defaults: ImageDefaults;
  readonly user: ImageUser;
  readonly volumes: readonly { readonly destination: string; readonly source: string }[];
}

/** Of /etc/passwd and /etc/group. */
const maxUserFileBytes = 4 * 1024 * 1024;
/** Volumes that one image may declare. */
const maxVolumes = 256;

export async function prepareContainer(
  supervisor: Supervisor,
  scope: Scope,
  request: PrepareRequest,
  signal: AbortSignal,
): Promise<PreparedContainer> {
  const { images, layers } = supervisor;
  const { namespace } = scope;
  checkId('container id', request.containerId);
  if (scope.lease === '')
    throw new BerthError('invalid-argument', 'a lease must hold what is prepared: the call has none');
  const { name, target } = await findImage(images, namespace, request.image);
  const image = await readImage(images, namespace, target, request.platform);
  const defaults = image.config.config ?? {};
  const volumePaths = volumesOf(defaults, request.mountedPaths);
  const { snapshotter, chainId } = await unpackImage(layers, scope, image, {
    snapshotter: request.snapshotter,
    signal,
  });
  await using undo = new UndoStack();
  // One that somebody gave up in the middle may still be there under a lease of its own.
  const snapshotKey = `${request.containerId}-${randomBytes(4).toString('hex')}`;
  const snapshot = { snapshotter, key: snapshotKey, parent: chainId, kind: 'active', labels: {} } as const;
  const mounts = (await createSnapshot(layers.snapshots, scope, snapshot)).map((mount) => ({ ...mount, target: '' }));
  undo.push(() => removeSnapshot(layers.snapshots, scope, { snapshotter, key: snapshotKey }));
  failpoint('prepare.snapshot-made');
  const inside = await layers.work.mounts.use(readOnlyMounts(mounts), async (path) => {
    const root = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const user = resolveUser(request.user === '' ? (defaults.User ?? '') : request.user, readUserFiles(root));
      const record = getSnapshot(layers.snapshots, { namespace, snapshotter, key: snapshotKey });
      const options = { root, paths: volumePaths, signal };
      const volumes = await makeVolumes(layers.snapshots, layers.work.pool, record, options);
      return { user, volumes };
    } finally {
      closeSync(root);
    }
  });
  failpoint('prepare.volumes-made');
  undo.disarm();
  const volumes = volumePaths.map((destination, index) => ({ destination, source: inside.volumes[index] ?? '' }));
  return {
    image: name,
    manifest: image.target,
    snapshotter,
    snapshotKey,
    mounts,
    defaults,
    user: inside.user,
    volumes,
  };
}

function readUserFiles(root: number): { readonly passwd: string; readonly group: string } {
  const [passwd, group] = ['etc/passwd', 'etc/group'].map((path) => {
    try {
      return readFileInRoot(root, path, maxUserFileBytes)?.toString('utf8') ?? '';
    } catch (error) {
      const message = `the image's users cannot be read: ${messageOf(error)}`;
      throw new BerthError('failed-precondition', message, { cause: error });
    }
  });
  return { passwd: passwd ?? '', group: group ?? '' };
}

/** The outer ones first, so that the inner ones are mounted in them. */
function volumesOf({ Volumes }: ImageDefaults, mountedPaths: readonly string[]): string[] {
  const mounted = new Set(mountedPaths.map((path) => posix.resolve('/', path)));
  const paths = new Set(Object.keys(Volumes ?? {}).map((path) => posix.resolve('/', path)));
  if (paths.has('/')) throw new BerthError('invalid-argument', 'the image declares its whole root a volume');
  if (paths.size > maxVolumes)
    throw new BerthError('invalid-argument', `the image has more than ${maxVolumes} volumes`);
  return [...paths].filter((path) => !mounted.has(path)).sort();
}
