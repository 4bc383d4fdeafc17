// What may still work in a bundle that nobody is in charge of any more: a shim that has not come to serve yet, and calls
// of the OCI runtime that outlived their shim. They would go on to change what somebody else now looks after. Shims lead
// a session and work in their bundle; their runtime calls are in that session; the container's own processes are neither.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DeadlineError, poll } from '../base/deadline.js';
import {
  hasProgram,
  isRunning,
  killIfThere,
  processesBelow,
  processesIn,
  realPathOf,
  runsProgram,
} from '../linux/known-process.js';
import { readProcessStat } from '../linux/process-info.js';

/** From SIGKILL to the end of a process. */
const endTimeoutMs = 2000;
const endPollMs = 5;

/** Kills them and returns once they are gone. `deadShim` is the pid of a shim whose runtime calls may be left. */
export async function killShimRemains(bundle: string, deadShim: number | undefined): Promise<void> {
  const directory = realPathOf(bundle);
  try {
    await poll(() => killAll(directory, deadShim) === 0 || undefined, {
      limitMs: endTimeoutMs,
      intervalMs: endPollMs,
      what: 'the end of what a shim has left',
    });
  } catch (error) {
    // In uninterruptible sleep: whoever goes on will meet its own deadline.
    if (!(error instanceof DeadlineError)) throw error;
  }
}

/** A runtime's script that is killed may just have started another process. */
const rehearsalRounds = 3;

/**
 * What zygotes have left below `directory`, where each rehearses in a directory named by its pid, be it a whole zygote.
 * No zygote may be at work for this daemon.
 */
export function clearRehearsals(directory: string): void {
  killRehearsers(directory);
  if (!existsSync(directory)) return;
  for (const zygote of readdirSync(directory)) {
    // Of an earlier daemon, and still loading what it needs: it clears up after itself.
    if (!isRunning(Number(zygote))) tryToRemove(join(directory, zygote));
  }
}

/** What was killed may still be making files there: the next zygote's start tries again. */
function tryToRemove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Nobody needs it gone.
  }
}

function killRehearsers(directory: string): void {
  const path = realPathOf(directory);
  for (let round = 0; round < rehearsalRounds; round++) {
    const remains = processesBelow(path).filter((pid) => {
      const session = readProcessStat(pid)?.session ?? 0;
      // A leader that is just ending runs no program any more, and is not a zombie yet.
      return isShim(session) || !isRunning(session) || !hasProgram(session);
    });
    if (remains.length === 0) return;
    for (const pid of remains) killIfThere(pid);
  }
}

/** Returns how many there were. */
function killAll(directory: string, deadShim: number | undefined): number {
  const inBundle = processesIn(directory);
  const shims = new Set(inBundle.filter(isShim));
  if (deadShim !== undefined) shims.add(deadShim);
  const remains = inBundle.filter((pid) => shims.has(readProcessStat(pid)?.session ?? 0));
  for (const pid of remains) killIfThere(pid);
  return remains.length;
}

/** A person's shell leads a session too, but is no Node. */
function isShim(pid: number): boolean {
  return readProcessStat(pid)?.session === pid && runsProgram(pid, realPathOf(process.execPath));
}
