// One zygote from its start to its end: what was asked of it, the shims it has forked, and what it tells of them.
import { withDeadline } from '../base/deadline.js';
import { Deferred } from '../base/deferred.js';
import { readProcessStat } from '../linux/process-info.js';
import type { ZygoteReport } from '../domain/zygote-messages.js';
import type { ShimLaunch } from './launcher.js';
import type { ShimIdentity } from './task-shim.js';
import { ZygoteProcess, type ZygoteSettings } from './zygote-process.js';

/** A fork takes 2 ms and its shim 10 to serve; a machine under heavy load gets three hundred times that. */
const helloTimeoutMs = 4000;
/** SIGKILL on a process that does nothing takes effect at once. */
const killTimeoutMs = 2000;

export type EndedReport = Extract<ZygoteReport, { kind: 'ended' }>;
export type ForkedReport = Extract<ZygoteReport, { kind: 'forked' }>;

export interface ZygoteEvents {
  /** Why, where it is not prepared as it is to be. */
  readonly onReady: (unprepared: string | undefined) => void;
  readonly onForked: (report: ForkedReport) => void;
  readonly onEnded: (report: EndedReport) => void;
}

interface Launch {
  readonly request: number;
  readonly done: Deferred<ShimIdentity>;
  /** Resolves when there is, for certain, no process of it. */
  readonly gone: Deferred<void>;
  isGone: boolean;
  pid: number | undefined;
}

export class Zygote {
  /** Resolves when it takes requests; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #process: ZygoteProcess;
  readonly #events: ZygoteEvents;
  readonly #ready = new Deferred<void>();
  readonly #launches = new Map<number, Launch>();
  #counter = 0;

  constructor(settings: ZygoteSettings, events: ZygoteEvents) {
    this.#events = events;
    this.#process = new ZygoteProcess(settings, (report) => this.#take(report));
    this.ready = this.#ready.promise;
    this.ready.catch(() => undefined);
    this.ended = this.#process.ended.then(() => this.#failAll());
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Resolves to who it is once the shim has said hello. When it rejects, no process is left that could still become the shim. */
  async launch({ namespace, id, bundle, debug }: ShimLaunch): Promise<ShimIdentity> {
    const request = ++this.#counter;
    const launch: Launch = { request, done: new Deferred(), gone: new Deferred(), isGone: false, pid: undefined };
    this.#launches.set(request, launch);
    try {
      this.#process.send({ kind: 'launch', request, namespace, id, bundle, debug });
      return await withDeadline(launch.done.promise, helloTimeoutMs, 'the hello of a forked shim');
    } catch (error) {
      await this.#abandon(launch);
      throw error;
    } finally {
      this.#launches.delete(request);
    }
  }

  close(): void {
    this.#process.close();
  }

  kill(): void {
    this.#process.kill();
  }

  #take(report: ZygoteReport): void {
    switch (report.kind) {
      case 'ready':
        this.#events.onReady(report.unprepared);
        return this.#ready.resolve();
      case 'forked':
        return this.#forked(report);
      case 'failed':
        return fail(this.#launches.get(report.request), report.error);
      case 'hello':
        return this.#launchOf(report.pid)?.done.resolve({ shimId: report.shimId, pid: report.pid });
      case 'refused':
        return this.#launchOf(report.pid)?.done.reject(new Error(report.error));
      case 'ended':
        return this.#ended(report);
    }
  }

  #forked(report: ForkedReport): void {
    const launch = this.#launches.get(report.request);
    if (launch !== undefined) launch.pid = report.pid;
    this.#events.onForked(report);
  }

  #ended(report: EndedReport): void {
    const launch = this.#launchOf(report.pid);
    const how = report.signal === 0 ? `status ${report.status}` : `signal ${report.signal}`;
    fail(launch, `the forked shim ended with ${how} before its hello`);
    this.#events.onEnded(report);
  }

  /** A child that it has forked says its own hello, or meets the deadline. */
  #failAll(): void {
    const error = new Error('the zygote has ended');
    this.#ready.reject(error);
    for (const { done, pid } of this.#launches.values()) if (pid === undefined) done.reject(error);
  }

  #launchOf(pid: number): Launch | undefined {
    for (const launch of this.#launches.values()) if (launch.pid === pid) return launch;
    return undefined;
  }

  /** Makes sure that nothing comes of the launch any more. */
  async #abandon(launch: Launch): Promise<void> {
    if (launch.isGone) return;
    // It has not answered at all: it hangs, or has ended. What it has said before its end is read by then.
    if (launch.pid === undefined) await this.#end();
    if (launch.pid === undefined) return;
    if (this.#process.running) {
      this.#process.send({ kind: 'kill', pid: launch.pid });
      const gone = withDeadline(launch.gone.promise, killTimeoutMs, 'the end of a forked shim');
      await gone.catch(() => this.#end());
    }
    if (!launch.isGone) killOrphan(launch.pid);
  }

  async #end(): Promise<void> {
    this.kill();
    await this.ended;
  }
}

/** The launch has come to nothing, and left nothing. */
function fail(launch: Launch | undefined, reason: string): void {
  if (launch === undefined) return;
  launch.isGone = true;
  launch.gone.resolve();
  launch.done.reject(new Error(reason));
}

/** Our child, if the zygote has ended before it. */
function killOrphan(pid: number): void {
  if (readProcessStat(pid)?.parentPid === process.pid) process.kill(pid, 'SIGKILL');
}
