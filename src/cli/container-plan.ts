// What a container's record is made of, and the making of it.
import { Container, ContainersService } from '../generated/containerd/services/containers/v1/containers.js';
import type { Mount } from '../generated/containerd/types/mount.js';
import { jsonAny } from './any-types.js';
import type { Connection } from './connection.js';
import { type OciSpec, specTypeUrl } from './spec/oci.js';

/** What a container that was made from an image has beside its spec. */
export interface PlannedImage {
  readonly name: string;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly rootfs: Mount[];
  /** Holds the snapshot until the container's record does. */
  readonly lease: string;
}

export interface ContainerPlan {
  readonly id: string;
  readonly image?: PlannedImage;
  readonly spec: OciSpec;
  readonly labels: Record<string, string>;
  readonly runtime: string;
}

export async function createContainer(connection: Connection, plan: ContainerPlan): Promise<void> {
  const { name = '', snapshotter = '', snapshotKey = '', lease = '' } = plan.image ?? {};
  const container = Container.fromPartial({
    id: plan.id,
    image: name,
    snapshotter,
    snapshotKey,
    labels: plan.labels,
    runtime: { name: plan.runtime },
    spec: jsonAny(specTypeUrl, plan.spec),
  });
  await connection.unary(ContainersService.create, { container }, { lease });
}
