// io.containerd.cgroups.v1.Metrics from the files of cgroup v1, a directory for each controller.
import type { Any } from '../../src/generated/google/protobuf/any.js';
import {
  Metrics,
  type CPUStat,
  type HugetlbStat,
  type PidsStat,
} from '../../src/generated/io/containerd/cgroups/v1/metrics.js';
import { noLimit, pickFigures, readFigure, readFigureList, readFigures } from '../../src/linux/cgroup-files.js';
import { hugePageSizes } from './huge-pages.js';
import type { NetworkFigures } from './network.js';
import { readRdma } from './rdma.js';
import { readV1BlockIo } from './v1-block-io.js';
import { readV1Memory, readV1OomControl } from './v1-memory.js';

/** USER_HZ is 100 on every architecture that Node runs on. */
const nanosPerTick = 10_000_000n;

export function encodeV1Metrics(controllers: ReadonlyMap<string, string>, network: NetworkFigures[]): Any {
  const message = Metrics.encode(readV1Metrics(controllers, network)).finish();
  return { typeUrl: 'io.containerd.cgroups.v1.Metrics', value: Buffer.from(message) };
}

export function readV1Metrics(controllers: ReadonlyMap<string, string>, network: NetworkFigures[]): Metrics {
  const read = <T>(controller: string, reader: (directory: string) => T | undefined): T | undefined => {
    const directory = controllers.get(controller);
    return directory === undefined ? undefined : reader(directory);
  };
  return {
    hugetlb: read('hugetlb', readHugePages) ?? [],
    pids: read('pids', readPids),
    cpu: readCpu(controllers.get('cpuacct'), controllers.get('cpu')),
    memory: read('memory', readV1Memory),
    blkio: read('blkio', readV1BlockIo),
    rdma: read('rdma', readRdma),
    network,
    cgroupStats: undefined,
    memoryOomControl: read('memory', readV1OomControl),
  };
}

function readPids(directory: string): PidsStat | undefined {
  const current = readFigure(directory, 'pids.current');
  const max = readFigure(directory, 'pids.max');
  if (current === undefined) return undefined;
  return { current, limit: max === undefined || max === noLimit ? 0n : max };
}

/** Clients look into both parts where the section is there, so neither is ever absent in it. */
function readCpu(accounting: string | undefined, scheduling: string | undefined): CPUStat | undefined {
  const total = accounting === undefined ? undefined : readFigure(accounting, 'cpuacct.usage');
  const throttling = scheduling === undefined ? undefined : readFigures(scheduling, 'cpu.stat');
  if (total === undefined && throttling === undefined) return undefined;
  const ticks = accounting === undefined ? undefined : readFigures(accounting, 'cpuacct.stat');
  return {
    usage: {
      total: total ?? 0n,
      kernel: (ticks?.get('system') ?? 0n) * nanosPerTick,
      user: (ticks?.get('user') ?? 0n) * nanosPerTick,
      perCpu: accounting === undefined ? [] : readFigureList(accounting, 'cpuacct.usage_percpu'),
    },
    throttling: pickFigures(throttleNames, throttling),
  };
}

const throttleNames = {
  periods: 'nr_periods',
  throttledPeriods: 'nr_throttled',
  throttledTime: 'throttled_time',
} as const;

function readHugePages(directory: string): HugetlbStat[] {
  return hugePageSizes(directory, 'usage_in_bytes').map((pagesize) => ({
    usage: readFigure(directory, `hugetlb.${pagesize}.usage_in_bytes`) ?? 0n,
    max: readFigure(directory, `hugetlb.${pagesize}.max_usage_in_bytes`) ?? 0n,
    failcnt: readFigure(directory, `hugetlb.${pagesize}.failcnt`) ?? 0n,
    pagesize,
  }));
}
