// RDMA figures, which both versions of cgroups tell in the same form.
import { readNestedFigures } from '../../src/linux/cgroup-files.js';

/** `max`, in messages whose fields have 32 bits. */
const noRdmaLimit = 2n ** 32n - 1n;

export interface RdmaEntry {
  readonly device: string;
  readonly hcaHandles: number;
  readonly hcaObjects: number;
}

export interface RdmaFigures {
  readonly current: RdmaEntry[];
  readonly limit: RdmaEntry[];
}

/** Undefined without the controller. */
export function readRdma(directory: string): RdmaFigures | undefined {
  const current = readEntries(directory, 'rdma.current');
  const limit = readEntries(directory, 'rdma.max');
  return current === undefined || limit === undefined ? undefined : { current, limit };
}

function readEntries(directory: string, name: string): RdmaEntry[] | undefined {
  return readNestedFigures(directory, name)?.map(({ subject, figures }) => ({
    device: subject,
    hcaHandles: clamped(figures.get('hca_handle')),
    hcaObjects: clamped(figures.get('hca_object')),
  }));
}

function clamped(figure = 0n): number {
  return Number(figure < noRdmaLimit ? figure : noRdmaLimit);
}
