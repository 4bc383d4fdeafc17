// A container's resource figures as containerd's message of its host's cgroup version, read from the cgroup files.
import { BerthError } from '../../src/domain/errors.js';
import type { Any } from '../../src/generated/google/protobuf/any.js';
import type { CgroupHierarchies } from '../../src/linux/cgroup-hierarchies.js';
import { networkFiguresOf } from './network.js';

export interface MetricsSource {
  readonly containerId: string;
  /** Undefined where no cgroup sets the container apart. */
  readonly cgroups: CgroupHierarchies | undefined;
  readonly initPid: number;
}

/** The controllers that the message of v1 tells of. */
const v1Controllers = ['memory', 'cpu', 'cpuacct', 'pids', 'blkio', 'hugetlb', 'rdma'];

/** A controller that the host does not have leaves its section out. `not-found` without any cgroup. */
export async function readMetrics({ containerId, cgroups, initPid }: MetricsSource): Promise<Any> {
  const network = networkFiguresOf(initPid);
  // Each version's messages are loaded where they are first asked for: most shims never are, and no host needs both.
  if (cgroups !== undefined && v1Controllers.some((controller) => cgroups.controllers.has(controller))) {
    const { encodeV1Metrics } = await import('./v1-metrics.js');
    return encodeV1Metrics(cgroups.controllers, network);
  }
  if (cgroups?.unified !== undefined) {
    const { encodeV2Metrics } = await import('./v2-metrics.js');
    return encodeV2Metrics(cgroups.unified, network);
  }
  throw new BerthError('not-found', `task ${containerId} has no cgroup of its own: no metrics`);
}
