// Reaps this shim's children: the containers' processes and the runtime's by their pids, and strays that orphaned to us as
// the subreaper. The shim has no children by node:child_process, which libuv would have to wait for.
import { Deferred } from '../src/base/deferred.js';
import { unknownExitStatus, type Provenance } from '../src/domain/exit.js';
import { nowNanos, type UnixNanos } from '../src/domain/time.js';
import { isSystemError } from '../src/linux/libc.js';
import { ownChildren, readProcessStat } from '../src/linux/process-info.js';
import { type ProgramStart, spawnProgram } from '../src/linux/spawn.js';
import { hasEndedChild, waitPid, type ExitStatus } from '../src/linux/wait.js';
import type { RunningProgram } from '../src/runc/spawn-program.js';

export interface Ended extends ExitStatus {
  readonly pid: number;
  readonly at: UnixNanos;
  readonly provenance: Extract<Provenance, 'waited' | 'pidfd' | 'unknown'>;
}

export class Reaper {
  readonly #watched = new Set<number>();
  readonly #spawned = new Map<number, Deferred<ExitStatus>>();
  readonly #onEnded: (ended: readonly Ended[]) => void;
  /** Operations under way that will make known a child whose pid nobody can know yet. */
  #births = 0;
  readonly #onSignal = (): void => this.sweep();

  /** `onEnded` gets all that ended together, so that one sync to disk serves them. */
  constructor(onEnded: (ended: readonly Ended[]) => void) {
    this.#onEnded = onEnded;
  }

  start(): void {
    process.on('SIGCHLD', this.#onSignal);
  }

  stop(): void {
    process.off('SIGCHLD', this.#onSignal);
  }

  /** Throws the system's error where the program cannot be run. */
  spawn(start: ProgramStart): RunningProgram {
    const pid = spawnProgram(start);
    const ended = new Deferred<ExitStatus>();
    this.#spawned.set(pid, ended);
    // As long as it is here it has not been waited for, so the pid is its own.
    const kill = (): void => {
      if (this.#spawned.has(pid)) process.kill(pid, 'SIGKILL');
    };
    return { pid, ended: ended.promise, kill };
  }

  /**
   * Runs `make`, in which the runtime makes a process and `watch` is called with its pid. An unknown ended child may be
   * that one, so none is taken for a stray before; an end that came before the watch is found right after.
   */
  async duringBirth(make: () => Promise<void>): Promise<void> {
    this.#births++;
    try {
      await make();
    } finally {
      this.#births--;
      this.sweep();
    }
  }

  /** From now on `pid`'s end is told, from the next sweep on. */
  watch(pid: number): void {
    this.#watched.add(pid);
  }

  /** Reaps whatever has ended. */
  sweep(): void {
    this.#reapSpawned();
    const ended: Ended[] = [];
    for (const pid of this.#watched) {
      const end = reap(pid);
      if (end === undefined) continue;
      this.#watched.delete(pid);
      ended.push(end);
    }
    if (this.#births === 0) this.#reapStrays();
    if (ended.length > 0) this.#onEnded(ended);
  }

  #reapSpawned(): void {
    for (const [pid, { resolve }] of this.#spawned) {
      const end = reap(pid);
      if (end === undefined) continue;
      this.#spawned.delete(pid);
      resolve(end);
    }
  }

  #reapStrays(): void {
    if (!hasEndedChild()) return;
    for (const pid of ownChildren()) {
      if (!this.#spawned.has(pid) && !this.#watched.has(pid)) reap(pid);
    }
  }
}

/** Undefined while it runs. */
function reap(pid: number): Ended | undefined {
  try {
    const exit = waitPid(pid);
    return exit === undefined ? undefined : { pid, ...exit, at: nowNanos(), provenance: 'waited' };
  } catch (error) {
    if (!isSystemError(error, 'ECHILD')) throw error;
    // Somebody else's child, or reaped by somebody else: nobody here can say how it ended.
    if (readProcessStat(pid) !== undefined) return undefined;
    return { pid, status: unknownExitStatus, signal: 0, at: nowNanos(), provenance: 'unknown' };
  }
}
