// The one container of this shim: its processes, and the order in which their ends are told.
import { DeadlineError, poll } from '../src/base/deadline.js';
import { failpoint } from '../src/base/failpoint.js';
import type { Log } from '../src/base/log.js';
import { BerthError, messageOf } from '../src/domain/errors.js';
import type { ProcessExit } from '../src/domain/exit.js';
import { nowNanos } from '../src/domain/time.js';
import { cgroupPids, killCgroup, signalCgroup, type ContainerCgroup } from '../src/linux/cgroup.js';
import { cgroupHierarchiesOf, type CgroupHierarchies } from '../src/linux/cgroup-hierarchies.js';
import type { Runc } from '../src/runc/runc.js';
import type { ContainerProcess } from './container-process.js';
import type { ExitJournal } from './exit-journal.js';
import type { OutOfMemoryWatch } from './oom/out-of-memory-watch.js';
import { watchOutOfMemory } from './oom/watch-out-of-memory.js';
import type { Ended, Reaper } from './reaper.js';
import type { PendingRestore } from './restore-container.js';
import type { IoOptions } from './stdio/process-io.js';

/** How long init's end waits for those of its execs; longer than any death by SIGKILL takes. */
const execEndsTimeoutMs = 10_000;
const execEndsPollMs = 5;

const SIGKILL = 9;

export interface ContainerParts {
  readonly id: string;
  readonly bundle: string;
  readonly runc: Runc;
  readonly reaper: Reaper;
  readonly journal: ExitJournal;
  readonly log: Log;
  readonly init: ContainerProcess;
  /** What every process's stdio is opened with. */
  readonly ioHost: Omit<IoOptions, 'stdio' | 'log'>;
  /** Its processes do not die with its init by themselves. */
  readonly sharesPidNamespace: boolean;
}

export class Container {
  /** Undefined where no cgroup holds exactly this container's processes. */
  cgroup: ContainerCgroup | undefined;
  /** Its group in every hierarchy, as far as that is its own; known with its init, and still after init's end. */
  cgroups: CgroupHierarchies | undefined;
  /** Undefined before init is known, and where the host cannot tell. */
  outOfMemory: OutOfMemoryWatch | undefined;
  readonly execs = new Map<string, ContainerProcess>();
  /** Execs that the runtime is making. */
  startingExecs = 0;
  /** What Start restores; undefined where it starts what the runtime has created. */
  restore: PendingRestore | undefined;
  /** CRIU is at work, so the freezer's state is its business. */
  checkpointing = false;
  readonly #living = new Map<number, ContainerProcess>();
  #initEnded = false;

  constructor(readonly parts: ContainerParts) {}

  get id(): string {
    return this.parts.id;
  }

  get init(): ContainerProcess {
    return this.parts.init;
  }

  /** Init has ended, though that may not be told yet. */
  get initEnded(): boolean {
    return this.#initEnded;
  }

  /** Throws `not-found`; an empty id is init's. */
  process(execId: string): ContainerProcess {
    const process = execId === '' ? this.init : this.execs.get(execId);
    if (process === undefined) {
      throw new BerthError('not-found', `process ${execId} does not exist in task ${this.id}`);
    }
    return process;
  }

  /** From now on the process's end is this container's business. */
  adopt(process: ContainerProcess): void {
    this.#living.set(process.pid, process);
  }

  /** Records what has ended: execs at once, init when it is the last. */
  onEnded(ended: readonly Ended[]): void {
    const told: [ContainerProcess, ProcessExit][] = [];
    let init: ProcessExit | undefined;
    const killed = this.outOfMemory?.judge(ended);
    for (const end of ended) {
      const process = this.#living.get(end.pid);
      if (process === undefined) continue;
      this.#living.delete(end.pid);
      process.gone = true;
      const exit = exitFromEnded(end, killed?.has(end.pid) === true);
      if (process === this.init) init = exit;
      else told.push([process, exit]);
    }
    if (init !== undefined) this.#initEnded = true;
    if (init !== undefined && !this.parts.sharesPidNamespace && this.#isAlone()) {
      this.#tell([...told, [this.init, init]]);
      return;
    }
    this.#tell(told);
    if (init !== undefined) void this.#tellInitLast(init);
  }

  /** Every process of the container, whoever started it. */
  pids(): number[] {
    if (this.cgroup !== undefined) return cgroupPids(this.cgroup);
    return [...this.#living.keys()];
  }

  /** Sends `signal` to one process. Killing init ends its whole pid namespace. */
  signal(process: ContainerProcess, signal: number): void {
    if (signal === SIGKILL) this.outOfMemory?.excuse(process === this.init ? this.#living.keys() : [process.pid]);
    process.signal(signal);
  }

  /** Sends `signal` to every process; throws `not-found` when all have ended. */
  async signalAll(signal: number): Promise<void> {
    if (signal === SIGKILL) this.outOfMemory?.excuse(this.#living.keys());
    if (this.init.gone || this.init.state === 'stopped') {
      throw new BerthError('not-found', `process already finished: ${this.init.label}`);
    }
    if (this.cgroup === undefined) await this.parts.runc.kill(this.id, signal, true);
    else signalCgroup(this.cgroup, signal);
  }

  /** Once init is adopted, and before it runs. */
  watchCgroups(): void {
    const { id, bundle, log, journal, sharesPidNamespace } = this.parts;
    try {
      this.cgroups = cgroupHierarchiesOf(this.init.pid);
      if (this.cgroups === undefined) return;
      this.outOfMemory = watchOutOfMemory(this.cgroups, {
        bundle,
        log,
        living: () => this.#living.keys(),
        reaper: sharesPidNamespace ? undefined : this.init.pid,
        onKilled: () => journal.append([{ containerId: id, outOfMemoryAt: nowNanos() }]),
      });
    } catch (error) {
      // No reason to lose the container.
      log.error('the cgroups of the container cannot be watched', { error: messageOf(error) });
    }
  }

  #isAlone(): boolean {
    return this.#living.size === 0 && this.startingExecs === 0;
  }

  async #tellInitLast(exit: ProcessExit): Promise<void> {
    const { log } = this.parts;
    try {
      if (this.parts.sharesPidNamespace) await this.#killRest();
      await poll(() => (this.#isAlone() ? true : undefined), {
        limitMs: execEndsTimeoutMs,
        intervalMs: execEndsPollMs,
        what: 'the end of every exec',
      });
    } catch (error) {
      const message = error instanceof DeadlineError ? 'init has ended before its execs' : 'killing the rest failed';
      log.error(message, { error: messageOf(error) });
    }
    this.#tell([[this.init, exit]]);
  }

  async #killRest(): Promise<void> {
    this.outOfMemory?.excuse(this.#living.keys());
    if (this.cgroup === undefined) await this.signalAll(SIGKILL);
    else if (!(await killCgroup(this.cgroup))) this.parts.log.error('processes outlived SIGKILL');
  }

  #tell(ends: readonly (readonly [ContainerProcess, ProcessExit])[]): void {
    if (ends.length === 0) return;
    failpoint('shim.exit-waited');
    const records = ends.map(([process, exit]) => ({ ...process.names, exit }));
    this.parts.journal.append(records, () => {
      for (const [process, exit] of ends) this.#markEnded(process, exit);
    });
    failpoint('shim.exit-written');
  }

  #markEnded(process: ContainerProcess, exit: ProcessExit): void {
    process.markEnded(exit);
    const { execId } = process.names;
    this.parts.log.info('process ended', { execId, pid: exit.pid, status: exit.status });
  }
}

function exitFromEnded(ended: Ended, oomKilled: boolean): ProcessExit {
  const { pid, status, signal, at, provenance } = ended;
  return { pid, status, signal, exitedAt: at, provenance, oomKilled };
}
