// The zygote's children: its shims, and the orphans that a dead shim leaves to their subreaper. A pidfd each tells of
// their ends. SIGCHLD would not: a thread of Node's own that does not block it takes it and drops it.
import { closeSync } from 'node:fs';
import { isSystemError } from '../../src/linux/libc.js';
import { openPidfd } from '../../src/linux/pidfd.js';
import { ownChildren } from '../../src/linux/process-info.js';
import { type ExitStatus, waitPid } from '../../src/linux/wait.js';

export interface EndedChild extends ExitStatus {
  readonly pid: number;
  /** Else an orphan. */
  readonly shim: boolean;
}

type Child = Omit<EndedChild, keyof ExitStatus>;

export class Children {
  readonly #byPidfd = new Map<number, Child>();
  readonly #pids = new Set<number>();

  /** Readable when a child has ended. */
  get pidfds(): number[] {
    return [...this.#byPidfd.keys()];
  }

  addShim(pid: number): void {
    this.#add(pid, true);
  }

  /** Nobody else reaps it, so as long as it is here the pid is the shim's. */
  killShim(pid: number): void {
    if (this.#pids.has(pid)) process.kill(pid, 'SIGKILL');
  }

  /** Reaps the children behind these pidfds, and takes in what orphaned with them. */
  reap(pidfds: readonly number[]): EndedChild[] {
    const ended: EndedChild[] = [];
    for (const pidfd of pidfds) {
      const child = this.#byPidfd.get(pidfd);
      if (child === undefined) continue;
      const exit = waitPid(child.pid);
      if (exit === undefined) continue;
      this.#byPidfd.delete(pidfd);
      this.#pids.delete(child.pid);
      closeSync(pidfd);
      ended.push({ ...child, ...exit });
    }
    if (ended.length > 0) this.#adoptOrphans();
    return ended;
  }

  /** For a forked child, whose siblings these are. */
  forget(): void {
    for (const pidfd of this.#byPidfd.keys()) closeSync(pidfd);
    this.#byPidfd.clear();
  }

  #add(pid: number, shim: boolean): void {
    this.#byPidfd.set(openPidfd(pid), { pid, shim });
    this.#pids.add(pid);
  }

  /** Whoever orphans to us does so at the end of a child of ours. */
  #adoptOrphans(): void {
    for (const pid of ownChildren()) {
      if (this.#pids.has(pid)) continue;
      try {
        this.#add(pid, false);
      } catch (error) {
        // Too many descriptors: looked at again at the next end.
        if (!isSystemError(error, 'EMFILE', 'ENFILE')) throw error;
        return;
      }
    }
  }
}
