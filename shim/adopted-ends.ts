// Learns how processes end that are not our children: their pidfds become readable, and the kernel tells the status of a
// zombie, and from Linux 6.15 on also of one that its parent has reaped before we looked.
import { setTimeout as sleep } from 'node:timers/promises';
import { unknownExitStatus } from '../src/domain/exit.js';
import { nowNanos } from '../src/domain/time.js';
import { endByPidfd, waitForPidfds } from '../src/linux/pidfd.js';
import type { AdoptedProcess } from './adopted-process.js';
import type { Ended } from './reaper.js';

/** One wait of the thread that waits; it is begun again while anything lives. */
const waitMs = 60_000;
/** Between a zombie's reaping and the keeping of its status lies next to nothing; after this the status is lost to us. */
const reapTimeoutMs = 2000;
const reapPollMs = 5;

/** Tells each end once; returns when all have been told. */
export async function tellAdoptedEnds(
  processes: readonly AdoptedProcess[],
  onEnded: (ended: readonly Ended[]) => void,
): Promise<void> {
  const living = new Map<number, AdoptedProcess>();
  for (const process of processes) if (process.pidfd !== undefined) living.set(process.pidfd, process);
  while (living.size > 0) {
    const ready = await waitForPidfds([...living.keys()], waitMs);
    const ended = await Promise.all(ready.map((pidfd) => endOf(pidfd, living.get(pidfd)?.pid ?? 0)));
    for (const pidfd of ready) living.delete(pidfd);
    if (ended.length > 0) onEnded(ended);
  }
}

async function endOf(pidfd: number, pid: number): Promise<Ended> {
  const at = nowNanos();
  for (const end = performance.now() + reapTimeoutMs; performance.now() < end; ) {
    const exit = endByPidfd(pidfd, pid);
    if (exit !== undefined) return { pid, ...exit, at, provenance: 'pidfd' };
    await sleep(reapPollMs);
  }
  return { pid, status: unknownExitStatus, signal: 0, at, provenance: 'unknown' };
}
