// The daemon is a subreaper: what a dead shim leaves becomes its child. Here such children are waited for, and how they
// ended is remembered until whoever settles their task asks. What Node itself spawned is left to libuv.
import type { ChildProcess } from 'node:child_process';
import { nowNanos, type UnixNanos } from '../domain/time.js';
import { isSystemError } from '../linux/libc.js';
import { ownChildren } from '../linux/process-info.js';
import { type ExitStatus, hasEndedChild, waitPid } from '../linux/wait.js';

/** Ends remembered; the oldest are forgotten, since nobody asked for them. */
const maxRemembered = 4096;

export interface OrphanEnd extends ExitStatus {
  /** When it was waited for. */
  readonly endedAt: UnixNanos;
}

export class OrphanReaper {
  readonly #spawned = new Set<number>();
  readonly #ends = new Map<number, OrphanEnd>();
  readonly #onSignal = (): void => this.sweep();

  start(): void {
    process.on('SIGCHLD', this.#onSignal);
    this.sweep();
  }

  stop(): void {
    process.off('SIGCHLD', this.#onSignal);
  }

  /** libuv waits for this one. */
  readonly leaveToLibuv = (child: ChildProcess): void => {
    const { pid } = child;
    if (pid === undefined) return;
    this.#spawned.add(pid);
    child.once('exit', () => this.#spawned.delete(pid));
  };

  /** Somebody above a dead shim has waited for `pid`. */
  record(pid: number, status: ExitStatus): void {
    this.#ends.delete(pid);
    this.#ends.set(pid, { ...status, endedAt: nowNanos() });
    for (const oldest of this.#ends.keys()) {
      if (this.#ends.size <= maxRemembered) break;
      this.#ends.delete(oldest);
    }
  }

  /** How `pid` ended, if it was waited for. */
  find(pid: number): OrphanEnd | undefined {
    return this.#ends.get(pid);
  }

  /** Once it is on record: the number may become another process's. */
  forget(pid: number): void {
    this.#ends.delete(pid);
  }

  /** Waits for every orphan that has ended. */
  sweep(): void {
    if (!hasEndedChild()) return;
    for (const pid of ownChildren()) {
      if (this.#spawned.has(pid)) continue;
      const status = reap(pid);
      if (status !== undefined) this.record(pid, status);
    }
  }
}

function reap(pid: number): ExitStatus | undefined {
  try {
    return waitPid(pid);
  } catch (error) {
    // Not our child any more: libuv was quicker.
    if (isSystemError(error, 'ECHILD')) return undefined;
    throw error;
  }
}
