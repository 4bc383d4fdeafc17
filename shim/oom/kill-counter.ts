// How many processes of a container the kernel has killed for want of memory, and a sign when there may be more.
import { closeSync, openSync, readdirSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFigures } from '../../src/linux/cgroup-files.js';
import type { CgroupHierarchies } from '../../src/linux/cgroup-hierarchies.js';
import { openEventFd } from '../../src/linux/eventfd.js';
import { isSystemError } from '../../src/linux/libc.js';

export interface KillCounter {
  /** Undefined once the group is gone. The kernel counts a kill before it sends the signal. */
  read(): bigint | undefined;
  /** Calls `onStir` when there has been a kill, or (v1) when there will be one. Throws where the host has no such sign. */
  watch(onStir: () => void): { close(): void };
}

/** Undefined where the host does not count, or the container has no memory group of its own. */
export function killCounterOf({ controllers, unified }: CgroupHierarchies): KillCounter | undefined {
  const directory = controllers.get('memory');
  const candidates = [
    ...(directory === undefined ? [] : [v1KillCounter(directory)]),
    ...(unified === undefined ? [] : [v2KillCounter(unified)]),
  ];
  return candidates.find((counter) => counter.read() !== undefined);
}

/** The kernel counts for each group alone, and signals the group whose limit was met and those below it. */
export function v1KillCounter(directory: string): KillCounter {
  return {
    read: () => countOfTree(directory),
    watch: (onStir) => {
      const signal = openEventFd(onStir);
      try {
        register(directory, signal.fd);
      } catch (error) {
        signal.close();
        throw error;
      }
      return signal;
    },
  };
}

/** The kernel counts what happens in the group and below it, and modifies the file when it does. */
export function v2KillCounter(directory: string): KillCounter {
  const name = 'memory.events';
  return {
    read: () => readFigures(directory, name)?.get('oom_kill'),
    watch: (onStir) => {
      const watcher = watch(join(directory, name), { persistent: false }, onStir);
      // The group has gone, and with it whatever could be watched.
      watcher.on('error', () => watcher.close());
      return watcher;
    },
  };
}

function register(directory: string, eventFd: number): void {
  const control = openSync(join(directory, 'memory.oom_control'), 'r');
  try {
    writeFileSync(join(directory, 'cgroup.event_control'), `${eventFd} ${control}`);
  } finally {
    closeSync(control);
  }
}

function countOfTree(directory: string): bigint | undefined {
  const own = readFigures(directory, 'memory.oom_control')?.get('oom_kill');
  if (own === undefined) return undefined;
  return groupsIn(directory).reduce((sum, name) => sum + (countOfTree(join(directory, name)) ?? 0n), own);
}

/** A directory has a link for its name, one for itself, and one for each that is in it. */
const linksOfLeaf = 2;

function groupsIn(directory: string): string[] {
  try {
    // Mostly there are none, and an end waits for this.
    if (statSync(directory).nlink === linksOfLeaf) return [];
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENODEV')) return [];
    throw error;
  }
}
