// The memory sections of the v1 message: memory.stat by its lines, and a counter with its limit for each kind of memory.
import type {
  MemoryEntry,
  MemoryOomControl,
  MemoryStat,
} from '../../src/generated/io/containerd/cgroups/v1/metrics.js';
import { pickFigures, readFigure, readFigures } from '../../src/linux/cgroup-files.js';

type Entries = 'usage' | 'swap' | 'kernel' | 'kernelTcp';

const noEntry: MemoryEntry = { limit: 0n, usage: 0n, max: 0n, failcnt: 0n };

/** Undefined without the controller; swap and kernel memory are absent where the host does not count them. */
export function readV1Memory(directory: string): MemoryStat | undefined {
  const figures = readFigures(directory, 'memory.stat');
  if (figures === undefined) return undefined;
  return {
    ...pickFigures(statNames, figures),
    usage: readEntry(directory, 'memory') ?? noEntry,
    swap: readEntry(directory, 'memory.memsw'),
    kernel: readEntry(directory, 'memory.kmem'),
    kernelTcp: readEntry(directory, 'memory.kmem.tcp'),
  };
}

export function readV1OomControl(directory: string): MemoryOomControl | undefined {
  const figures = readFigures(directory, 'memory.oom_control');
  return figures === undefined ? undefined : pickFigures(oomControlNames, figures);
}

function readEntry(directory: string, prefix: string): MemoryEntry | undefined {
  const usage = readFigure(directory, `${prefix}.usage_in_bytes`);
  if (usage === undefined) return undefined;
  return {
    limit: readFigure(directory, `${prefix}.limit_in_bytes`) ?? 0n,
    usage,
    max: readFigure(directory, `${prefix}.max_usage_in_bytes`) ?? 0n,
    failcnt: readFigure(directory, `${prefix}.failcnt`) ?? 0n,
  };
}

const oomControlNames = {
  oomKillDisable: 'oom_kill_disable',
  underOom: 'under_oom',
  oomKill: 'oom_kill',
} as const satisfies Record<keyof MemoryOomControl, string>;

const statNames = {
  cache: 'cache',
  rss: 'rss',
  rssHuge: 'rss_huge',
  mappedFile: 'mapped_file',
  dirty: 'dirty',
  writeback: 'writeback',
  pgPgIn: 'pgpgin',
  pgPgOut: 'pgpgout',
  pgFault: 'pgfault',
  pgMajFault: 'pgmajfault',
  inactiveAnon: 'inactive_anon',
  activeAnon: 'active_anon',
  inactiveFile: 'inactive_file',
  activeFile: 'active_file',
  unevictable: 'unevictable',
  hierarchicalMemoryLimit: 'hierarchical_memory_limit',
  hierarchicalSwapLimit: 'hierarchical_memsw_limit',
  totalCache: 'total_cache',
  totalRss: 'total_rss',
  totalRssHuge: 'total_rss_huge',
  totalMappedFile: 'total_mapped_file',
  totalDirty: 'total_dirty',
  totalWriteback: 'total_writeback',
  totalPgPgIn: 'total_pgpgin',
  totalPgPgOut: 'total_pgpgout',
  totalPgFault: 'total_pgfault',
  totalPgMajFault: 'total_pgmajfault',
  totalInactiveAnon: 'total_inactive_anon',
  totalActiveAnon: 'total_active_anon',
  totalInactiveFile: 'total_inactive_file',
  totalActiveFile: 'total_active_file',
  totalUnevictable: 'total_unevictable',
} as const satisfies Record<Exclude<keyof MemoryStat, Entries>, string>;
