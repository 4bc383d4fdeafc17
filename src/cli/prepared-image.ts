// The way from an image to a container of it: the daemon prepares the root filesystem, under a lease that the container's
// record relieves.
import { randomBytes } from 'node:crypto';
import { manifestLabel, stopSignalLabel } from '../domain/image-label.js';
import { StorageService } from '../generated/berth/v1/storage.js';
import { BerthError } from '../domain/errors.js';
import type { ContainerPlan, PlannedImage } from './container-plan.js';
import { Lease } from './lease.js';
import type { Session } from './session.js';
import type { ImageSpec } from './spec/image-spec.js';

export interface ImageWishes {
  readonly image: string;
  readonly platform: string;
  readonly snapshotter: string;
  readonly user: string;
  /** Paths in the container that something is mounted on. */
  readonly mountedPaths: string[];
}

export interface PreparedImage extends ImageSpec {
  readonly planned: PlannedImage;
  /** The image's own, and where the container comes from. */
  readonly labels: Record<string, string>;
}

/** What `use` gives. `planFrom` makes the plan once the image is known; `use` calls `onCreated` once the record is there. */
export async function withPreparedImage<T>(
  session: Session,
  id: string,
  wishes: ImageWishes,
  planFrom: (image: PreparedImage) => ContainerPlan,
  use: (plan: ContainerPlan, onCreated: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const connection = await session.connect();
  await using lease = await Lease.take(connection);
  const prepared = await connection.unary(
    StorageService.prepare,
    { containerId: id, ...wishes },
    { lease: lease.id, endless: true },
  );
  const { defaults, user, volumes, mounts, snapshotter, snapshotKey, manifest } = prepared;
  if (defaults === undefined || user === undefined)
    throw new BerthError('internal', 'berthd told nothing of the image');
  const plan = planFrom({
    defaults,
    user,
    volumes,
    planned: { name: prepared.image, snapshotter, snapshotKey, rootfs: mounts, lease: lease.id },
    labels: {
      ...defaults.labels,
      ...(defaults.stopSignal === '' ? {} : { [stopSignalLabel]: defaults.stopSignal }),
      [manifestLabel]: manifest?.digest ?? '',
    },
  });
  return await use(plan, () => lease.release());
}

/** A name that tells where the container comes from. */
export function idForImage(image: string): string {
  const name = /([A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*)(?::[^:/]*)?(?:@.*)?$/.exec(image)?.[1] ?? 'container';
  return `${name.slice(0, maxNameLength).replace(/[._-]+$/, '')}-${randomBytes(4).toString('hex')}`;
}

const maxNameLength = 48;
