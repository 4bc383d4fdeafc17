// Sets a container's watch up: from the kill count that was told last, be it by a shim that has died since.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../src/base/log.js';
import { messageOf } from '../../src/domain/errors.js';
import type { CgroupHierarchies } from '../../src/linux/cgroup-hierarchies.js';
import { isSystemError } from '../../src/linux/libc.js';
import { killCounterOf } from './kill-counter.js';
import { OutOfMemoryWatch, type OutOfMemoryOptions } from './out-of-memory-watch.js';

/** In the bundle: the kill count that was told last. It goes with the machine's memory, as the cgroup does. */
const countFileName = 'oom-kills';

export interface WatchOptions extends Pick<OutOfMemoryOptions, 'living' | 'reaper'> {
  readonly bundle: string;
  readonly log: Log;
  /** Puts the notice on record. */
  readonly onKilled: () => void;
}

/** Undefined where the host cannot tell of kills. */
export function watchOutOfMemory(cgroups: CgroupHierarchies, options: WatchOptions): OutOfMemoryWatch | undefined {
  const { log, living, reaper, onKilled } = options;
  const counter = killCounterOf(cgroups);
  const count = counter?.read();
  if (counter === undefined || count === undefined) {
    log.warn('no memory cgroup of its own: kills for want of memory go unseen');
    return undefined;
  }
  const path = join(options.bundle, countFileName);
  const told = readCount(path);
  if (told === undefined) writeCount(path, count);
  const watch = new OutOfMemoryWatch({
    counter,
    told: told ?? count,
    living,
    reaper,
    onKilled: (count) => {
      log.warn('out of memory: the kernel has killed a process of the container', { kills: count });
      onKilled();
      writeCount(path, count);
    },
    onClosed: () => rmSync(path, { force: true }),
  });
  try {
    watch.start();
  } catch (error) {
    log.warn('kills for want of memory are seen late: the host gives no sign of them', { error: messageOf(error) });
  }
  return watch;
}

/** Undefined before the first shim of the container has watched it. */
function readCount(path: string): bigint | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^\d+$/.test(text) ? BigInt(text) : undefined;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function writeCount(path: string, count: bigint): void {
  writeFileSync(path, `${count}\n`, { mode: 0o600 });
}
