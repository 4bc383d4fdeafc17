// The memory section of the v2 message: memory.stat by its lines, and the counters with their limits.
import type { MemoryStat } from '../../src/generated/io/containerd/cgroups/v2/metrics.js';
import { noLimit, pickFigures, readFigure, readFigures, type Figures } from '../../src/linux/cgroup-files.js';
import { readPressure } from './pressure.js';

type OwnFiles = 'usage' | 'usageLimit' | 'swapUsage' | 'swapLimit' | 'maxUsage' | 'swapMaxUsage' | 'psi';

/** Undefined without the controller. */
export function readV2Memory(directory: string): MemoryStat | undefined {
  const usage = readFigure(directory, 'memory.current');
  const figures = readFigures(directory, 'memory.stat');
  if (usage === undefined || figures === undefined) return undefined;
  const swapUsage = readFigure(directory, 'memory.swap.current');
  return {
    ...pickFigures(statNames, figures),
    workingsetRefault: ofBothKinds('workingset_refault', figures),
    workingsetActivate: ofBothKinds('workingset_activate', figures),
    usage,
    usageLimit: readFigure(directory, 'memory.max') ?? noLimit,
    swapUsage: swapUsage ?? 0n,
    // Without swap accounting there is no limit to tell, rather than none set.
    swapLimit: readFigure(directory, 'memory.swap.max') ?? 0n,
    maxUsage: readFigure(directory, 'memory.peak') ?? 0n,
    swapMaxUsage: readFigure(directory, 'memory.swap.peak') ?? 0n,
    psi: readPressure(directory, 'memory.pressure'),
  };
}

/** Linux 5.9 split these figures into those of anonymous memory and those of files. */
function ofBothKinds(name: string, figures: Figures): bigint {
  return figures.get(name) ?? (figures.get(`${name}_anon`) ?? 0n) + (figures.get(`${name}_file`) ?? 0n);
}

const statNames = {
  anon: 'anon',
  file: 'file',
  kernelStack: 'kernel_stack',
  slab: 'slab',
  sock: 'sock',
  shmem: 'shmem',
  fileMapped: 'file_mapped',
  fileDirty: 'file_dirty',
  fileWriteback: 'file_writeback',
  anonThp: 'anon_thp',
  inactiveAnon: 'inactive_anon',
  activeAnon: 'active_anon',
  inactiveFile: 'inactive_file',
  activeFile: 'active_file',
  unevictable: 'unevictable',
  slabReclaimable: 'slab_reclaimable',
  slabUnreclaimable: 'slab_unreclaimable',
  pgfault: 'pgfault',
  pgmajfault: 'pgmajfault',
  workingsetRefault: 'workingset_refault',
  workingsetActivate: 'workingset_activate',
  workingsetNodereclaim: 'workingset_nodereclaim',
  pgrefill: 'pgrefill',
  pgscan: 'pgscan',
  pgsteal: 'pgsteal',
  pgactivate: 'pgactivate',
  pgdeactivate: 'pgdeactivate',
  pglazyfree: 'pglazyfree',
  pglazyfreed: 'pglazyfreed',
  thpFaultAlloc: 'thp_fault_alloc',
  thpCollapseAlloc: 'thp_collapse_alloc',
} as const satisfies Record<Exclude<keyof MemoryStat, OwnFiles>, string>;
