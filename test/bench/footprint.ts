// The memory of a daemon and of everything it keeps for its containers, as the kernel accounts for it.
import { readFileSync } from 'node:fs';
import { findProcesses } from '../helpers/host-state.js';
import type { TestDaemon } from '../helpers/daemon.js';

/** MiB. */
export interface Memory {
  readonly resident: number;
  /** Each page divided by how many processes share it: what may be added up. */
  readonly proportional: number;
  readonly private: number;
}

export interface Footprint {
  readonly daemon: Memory;
  /** Per container: the shim is what the init's parent is. */
  readonly shims: readonly Memory[];
  /** What else it runs, as the zygote is. */
  readonly others: readonly Memory[];
}

/** `inits` are the containers' processes, which count for neither. */
export function footprintOf(daemon: TestDaemon, inits: readonly number[]): Footprint {
  const shims = new Set(inits.map(parentOf));
  const counted = new Set([daemon.pid, ...inits, ...shims]);
  const others = findProcesses(daemon).filter(({ pid }) => !counted.has(pid));
  return {
    daemon: memoryOf(daemon.pid),
    shims: [...shims].map(memoryOf),
    others: others.map(({ pid }) => memoryOf(pid)),
  };
}

/** All of it together. */
export function sumOf({ daemon, shims, others }: Footprint, what: keyof Memory): number {
  return [daemon, ...shims, ...others].reduce((sum, memory) => sum + memory[what], 0);
}

function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mebibytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;
  return {
    resident: mebibytes('Rss'),
    proportional: mebibytes('Pss'),
    private: mebibytes('Private_Clean') + mebibytes('Private_Dirty'),
  };
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
