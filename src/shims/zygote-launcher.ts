// Launches shims by forking them from a zygote, and keeps one zygote alive for that: an ended one is replaced, after
// pauses that grow where it ends again and again.
import { withDeadline } from '../base/deadline.js';
import type { Log } from '../base/log.js';
import { Slots } from '../base/slots.js';
import { BerthError, messageOf } from '../domain/errors.js';
import type { ExitStatus } from '../linux/wait.js';
import { launchError } from './launch-error.js';
import type { ZygoteCounts } from './launch-counts.js';
import type { ShimLaunch, ShimLauncher } from './launcher.js';
import { clearRehearsals } from './shim-remains.js';
import type { ShimIdentity } from './task-shim.js';
import { type EndedReport, type ForkedReport, Zygote } from './zygote.js';
import type { ZygoteSettings } from './zygote-process.js';

/** Forks wait in the channel to the zygote, whose buffer holds several hundred; and each begins to serve at once. */
const maxLaunchesAtOnce = 32;
/** The first fork's failure may be chance; the second's is not. */
const maxAttempts = 2;
/** It starts in half a second, and on a machine under heavy load in several; after that a fresh Node is as quick. */
const readyTimeoutMs = 5000;
/** A start takes 0.2 s; one that has not come to its end in a hundred times that never will. */
const startTimeoutMs = 20_000;
const minRestartPauseMs = 100;
const maxRestartPauseMs = 30_000;
/** A zygote that lived so long has not ended because of how it was started. */
const soundLifeMs = 60_000;
/** On the daemon's way out. */
const closeTimeoutMs = 2000;

export interface ZygoteLauncherOptions extends ZygoteSettings {
  readonly log: Log;
  /** A process that a dead shim had left has ended; the zygote, its subreaper, has waited for it. */
  readonly onOrphanEnded: (pid: number, status: ExitStatus) => void;
}

export class ZygoteLauncher implements ShimLauncher {
  readonly counters = { launches: 0, retries: 0, failures: 0, secondForks: 0, restarts: 0 };
  readonly #options: ZygoteLauncherOptions;
  readonly #slots = new Slots(maxLaunchesAtOnce);
  #zygote: Zygote | undefined;
  #restartPauseMs = minRestartPauseMs;
  #restart: NodeJS.Timeout | undefined;
  #begun = false;
  #closed = false;

  constructor(options: ZygoteLauncherOptions) {
    this.#options = options;
  }

  get counts(): ZygoteCounts {
    const { retries, secondForks, restarts } = this.counters;
    return { pid: this.#zygote?.pid, restarts, repeatedForks: retries + secondForks };
  }

  /** As the first launch does where nobody has before; launches wait a while for the zygote to be ready. */
  start(): void {
    if (this.#begun || this.#closed) return;
    this.#begun = true;
    this.#startZygote();
  }

  #startZygote(): void {
    const { log, directory } = this.#options;
    clearRehearsals(directory);
    const startedAt = performance.now();
    const zygote = new Zygote(this.#options, {
      onReady: (unprepared) => {
        if (unprepared !== undefined) log.warn('the zygote is not prepared in full', { error: unprepared });
      },
      onForked: (report) => this.#forked(report),
      onEnded: (report) => this.#ended(report),
    });
    this.#zygote = zygote;
    withDeadline(zygote.ready, startTimeoutMs, 'the start of the zygote').then(
      () => log.debug('the zygote is ready', { pid: zygote.pid, ms: Math.round(performance.now() - startedAt) }),
      () => zygote.kill(),
    );
    void zygote.ended.then(() => this.#replace(zygote, performance.now() - startedAt));
  }

  launch(request: ShimLaunch): Promise<ShimIdentity> {
    this.start();
    return this.#slots.run(() => this.#launch(request));
  }

  /** The zygote ends; its shims live on. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    const zygote = this.#zygote;
    if (zygote !== undefined) {
      zygote.close();
      await withDeadline(zygote.ended, closeTimeoutMs, 'the end of the zygote').catch(() => endByForce(zygote));
    }
    // Also where the last one has died and is not replaced yet.
    clearRehearsals(this.#options.directory);
  }

  async #launch(request: ShimLaunch): Promise<ShimIdentity> {
    const { namespace, id } = request;
    for (let attempt = 1; ; attempt++) {
      try {
        const identity = await (await this.#readyZygote()).launch(request);
        this.counters.launches++;
        return identity;
      } catch (error) {
        if (attempt === maxAttempts) {
          this.counters.failures++;
          throw await launchError(request, error);
        }
        this.counters.retries++;
        const fields = { namespace, containerId: id, error: messageOf(error) };
        this.#options.log.warn('a forked shim failed: forking another', fields);
      }
    }
  }

  async #readyZygote(): Promise<Zygote> {
    const zygote = this.#zygote;
    if (zygote === undefined) throw new BerthError('unavailable', 'the zygote has ended and is not replaced yet');
    await withDeadline(zygote.ready, readyTimeoutMs, 'the start of the zygote');
    return zygote;
  }

  #replace(zygote: Zygote, livedMs: number): void {
    if (this.#zygote !== zygote) return;
    this.#zygote = undefined;
    if (this.#closed) return;
    if (livedMs > soundLifeMs) this.#restartPauseMs = minRestartPauseMs;
    const pauseMs = this.#restartPauseMs;
    this.#options.log.warn('the zygote has ended: its shims live on', { pid: zygote.pid, nextInMs: pauseMs });
    this.#restartPauseMs = Math.min(pauseMs * 2, maxRestartPauseMs);
    this.#restart = setTimeout(() => {
      this.counters.restarts++;
      this.#startZygote();
    }, pauseMs).unref();
  }

  #forked({ pid, attempts }: ForkedReport): void {
    if (attempts === 1) return;
    this.counters.secondForks += attempts - 1;
    this.#options.log.debug('a fork lacked memory of its parent and was repeated', { pid, attempts });
  }

  #ended({ pid, shim, status, signal }: EndedReport): void {
    if (shim) this.#options.log.debug('a shim has ended', { pid, status, signal });
    else this.#options.onOrphanEnded(pid, { status, signal });
  }
}

/** Returns once it has ended: what it has left is known only then, since it may be starting something. */
async function endByForce(zygote: Zygote): Promise<void> {
  zygote.kill();
  await withDeadline(zygote.ended, closeTimeoutMs, 'the end of a killed zygote').catch(() => undefined);
}
