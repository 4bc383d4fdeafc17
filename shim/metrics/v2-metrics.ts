// io.containerd.cgroups.v2.Metrics from the files of one cgroup v2 directory.
import type { Any } from '../../src/generated/google/protobuf/any.js';
import {
  Metrics,
  type CPUStat,
  type HugeTlbStat,
  type IOEntry,
  type IOStat,
  type MemoryEvents,
  type PidsStat,
} from '../../src/generated/io/containerd/cgroups/v2/metrics.js';
import { noLimit, pickFigures, readFigure, readFigures, readNestedFigures } from '../../src/linux/cgroup-files.js';
import { hugePageSizes } from './huge-pages.js';
import type { NetworkFigures } from './network.js';
import { readPressure } from './pressure.js';
import { readRdma } from './rdma.js';
import { readV2Memory } from './v2-memory.js';

export function encodeV2Metrics(directory: string, network: NetworkFigures[]): Any {
  const message = Metrics.encode(readV2Metrics(directory, network)).finish();
  return { typeUrl: 'io.containerd.cgroups.v2.Metrics', value: Buffer.from(message) };
}

export function readV2Metrics(directory: string, network: NetworkFigures[]): Metrics {
  return {
    pids: readPids(directory),
    cpu: readCpu(directory),
    memory: readV2Memory(directory),
    rdma: readRdma(directory),
    io: readIo(directory),
    hugetlb: readHugePages(directory),
    memoryEvents: readMemoryEvents(directory),
    network,
  };
}

function readPids(directory: string): PidsStat | undefined {
  const current = readFigure(directory, 'pids.current');
  return current === undefined ? undefined : { current, limit: readFigure(directory, 'pids.max') ?? noLimit };
}

/** The kernel tells the usage without the controller too; throttling is 0 then. */
function readCpu(directory: string): CPUStat | undefined {
  const figures = readFigures(directory, 'cpu.stat');
  if (figures === undefined) return undefined;
  return { ...pickFigures(cpuNames, figures), psi: readPressure(directory, 'cpu.pressure') };
}

const cpuNames = {
  usageUsec: 'usage_usec',
  userUsec: 'user_usec',
  systemUsec: 'system_usec',
  nrPeriods: 'nr_periods',
  nrThrottled: 'nr_throttled',
  throttledUsec: 'throttled_usec',
  nrBursts: 'nr_bursts',
  burstUsec: 'burst_usec',
} as const satisfies Record<Exclude<keyof CPUStat, 'psi'>, string>;

function readMemoryEvents(directory: string): MemoryEvents | undefined {
  const figures = readFigures(directory, 'memory.events');
  return figures === undefined ? undefined : pickFigures(memoryEventNames, figures);
}

const memoryEventNames = {
  low: 'low',
  high: 'high',
  max: 'max',
  oom: 'oom',
  oomKill: 'oom_kill',
} as const satisfies Record<keyof MemoryEvents, string>;

function readIo(directory: string): IOStat | undefined {
  const lines = readNestedFigures(directory, 'io.stat');
  const psi = readPressure(directory, 'io.pressure');
  if (lines === undefined && psi === undefined) return undefined;
  const usage = (lines ?? []).flatMap(({ subject, figures }): IOEntry[] => {
    const match = /^(\d+):(\d+)$/.exec(subject);
    if (match?.[1] === undefined || match[2] === undefined) return [];
    return [{ major: BigInt(match[1]), minor: BigInt(match[2]), ...pickFigures(ioNames, figures) }];
  });
  return { usage, psi };
}

const ioNames = {
  rbytes: 'rbytes',
  wbytes: 'wbytes',
  rios: 'rios',
  wios: 'wios',
} as const satisfies Record<Exclude<keyof IOEntry, 'major' | 'minor'>, string>;

function readHugePages(directory: string): HugeTlbStat[] {
  return hugePageSizes(directory, 'current').map((pagesize) => ({
    current: readFigure(directory, `hugetlb.${pagesize}.current`) ?? 0n,
    max: readFigure(directory, `hugetlb.${pagesize}.max`) ?? noLimit,
    pagesize,
  }));
}
