// The tasks as the running daemon sees them: the committed record, the connection to the shim, and who waits for what.
import { Deferred } from '../base/deferred.js';
import { BerthError } from '../domain/errors.js';
import type { ProcessExit } from '../domain/exit.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { ProcessRecord, TaskRecord } from '../domain/records.js';
import { readProcessStat } from '../linux/process-info.js';
import type { TaskShim } from '../shims/task-shim.js';
import { HeldProcesses } from './held-processes.js';

export class LiveTask {
  /** Absent while the shim is out of reach. */
  shim: TaskShim | undefined;
  /** The shim does not say at once whether it is there: its circuit is open, and calls fail without trying. */
  suspected = false;
  /** The shim is being asked whether it is there. */
  questioned = false;
  /** How often a shim of this task has hung. */
  hangs = 0;
  /** Settles when an attempt to reach the shim, under way now, has ended. */
  reaching: Promise<unknown> | undefined;
  /** Starts under way, by exec id: an exit waits for its process's start to be committed first. */
  readonly starting = new Map<string, Promise<unknown>>();
  readonly held = new HeldProcesses();
  readonly #waiters = new Map<string, Deferred<ProcessExit>>();
  #record: TaskRecord;

  constructor(record: TaskRecord, shim: TaskShim | undefined) {
    this.#record = record;
    this.shim = shim;
    this.holdInit();
  }

  /** As committed; replaced, never changed in place. */
  get record(): TaskRecord {
    return this.#record;
  }

  set record(next: TaskRecord) {
    this.held.follow(this.#record, next);
    this.#record = next;
  }

  /** Unless its pid names another process by now. */
  holdInit(): void {
    const { init, initStartTime } = this.#record;
    if (init.state === 'stopped' || readProcessStat(init.pid)?.startTime !== initStartTime) return;
    this.held.hold('', init.pid);
  }

  /** The process with this exec id, init where it is empty; `not-found` when there is none. */
  process(execId: string): ProcessRecord {
    const found = execId === '' ? this.record.init : this.record.execs[execId];
    if (found !== undefined) return found;
    const { namespace, id } = this.record;
    throw new BerthError('not-found', `process ${execId} in task ${id}: not found`, {
      subject: { namespace, containerId: id, execId },
    });
  }

  /** The shim to call; `unavailable` while it is out of reach. */
  reachableShim(): TaskShim {
    if (this.shim !== undefined) return this.shim;
    const { namespace, id } = this.record;
    throw new BerthError('unavailable', `the shim of task ${id} is out of reach`, {
      subject: { namespace, containerId: id },
    });
  }

  /** Resolves with the process's exit once that is committed; rejects when the process is deleted before. */
  exitOf(execId: string): Promise<ProcessExit> {
    const process = this.process(execId);
    if (process.state === 'stopped') return Promise.resolve(process.exit);
    let waiter = this.#waiters.get(execId);
    if (waiter === undefined) {
      waiter = new Deferred();
      // With nobody waiting any more, a rejection is nobody's concern.
      waiter.promise.catch(() => undefined);
      this.#waiters.set(execId, waiter);
    }
    return waiter.promise;
  }

  announceExit(execId: string, exit: ProcessExit): void {
    this.#waiters.get(execId)?.resolve(exit);
    this.#waiters.delete(execId);
  }

  announceRemoval(execId: string): void {
    const { namespace, id } = this.record;
    const what = execId === '' ? `task ${id}` : `process ${execId} in task ${id}`;
    const error = new BerthError('not-found', `${what} was deleted`, {
      subject: { namespace, containerId: id, execId },
    });
    this.#waiters.get(execId)?.reject(error);
    this.#waiters.delete(execId);
  }
}

export class LiveTasks {
  readonly #tasks = new Map<string, LiveTask>();

  find(key: ContainerKey): LiveTask | undefined {
    return this.#tasks.get(keyString(key));
  }

  get(key: ContainerKey): LiveTask {
    const found = this.find(key);
    if (found !== undefined) return found;
    throw new BerthError('not-found', `task ${key.id}: not found`, {
      subject: { namespace: key.namespace, containerId: key.id },
    });
  }

  add(task: LiveTask): void {
    this.#tasks.set(keyString(task.record), task);
  }

  remove(key: ContainerKey): void {
    this.find(key)?.held.letGo();
    this.#tasks.delete(keyString(key));
  }

  list(namespace?: string): LiveTask[] {
    const all = [...this.#tasks.values()];
    return namespace === undefined ? all : all.filter((task) => task.record.namespace === namespace);
  }
}
