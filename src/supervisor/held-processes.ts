// Pidfds of a task's processes, held from their starts to their recorded ends: through one the kernel tells how a process
// ended even when a shim has waited for it and died before it could say so.
import { closeSync } from 'node:fs';
import type { ProcessRecord, TaskRecord } from '../domain/records.js';
import { openPidfd } from '../linux/pidfd.js';

export class HeldProcesses {
  /** By exec id; empty for init. */
  readonly #pidfds = new Map<string, number>();

  find(execId: string): number | undefined {
    return this.#pidfds.get(execId);
  }

  /** Best effort: without one a status may be told as unknown, and that is all. */
  hold(execId: string, pid: number): void {
    if (pid === 0 || this.#pidfds.has(execId)) return;
    try {
      this.#pidfds.set(execId, openPidfd(pid));
    } catch {
      // It is gone, or there are too many descriptors.
    }
  }

  /** Takes hold of what has begun to run between two records, and lets go of what has ended. */
  follow(before: TaskRecord, now: TaskRecord): void {
    for (const execId of this.#pidfds.keys()) if (!isAlive(processOf(now, execId))) this.#release(execId);
    for (const process of [now.init, ...Object.values(now.execs)]) {
      const { execId, pid } = process;
      if (isAlive(process) && !isAlive(processOf(before, execId))) this.hold(execId, pid);
    }
  }

  letGo(): void {
    for (const execId of this.#pidfds.keys()) this.#release(execId);
  }

  #release(execId: string): void {
    const pidfd = this.#pidfds.get(execId);
    this.#pidfds.delete(execId);
    if (pidfd !== undefined) closeSync(pidfd);
  }
}

function processOf({ init, execs }: TaskRecord, execId: string): ProcessRecord | undefined {
  return execId === '' ? init : execs[execId];
}

function isAlive(process: ProcessRecord | undefined): boolean {
  return process !== undefined && process.state !== 'stopped' && process.pid !== 0;
}
