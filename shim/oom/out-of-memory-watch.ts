// Notices the kernel's kills for want of memory, and finds out which of the container's processes were the victims.
// The rules and their reasons are in docs/adr/0012-out-of-memory.md.
import { isDying } from '../../src/linux/dying-process.js';
import type { KillCounter } from './kill-counter.js';

const SIGKILL = 9;

/** After a sign: v1 gives it before the kill, which takes the kernel as long as it takes to choose a victim. */
const lookAgainAfterMs = [1, 3, 10, 30, 100, 300, 1000] as const;
/** A victim is seen dying as soon as it is counted; one that is not by then is none of the known processes. */
const victimTimeoutMs = 250;
/** Kills of processes that nobody waits for are told together where they come faster than this. */
const quietMs = 500;

export interface EndedProcess {
  readonly pid: number;
  /** The signal that ended it, else 0. */
  readonly signal: number;
}

export interface OutOfMemoryOptions {
  readonly counter: KillCounter;
  /** Kills up to this count have been told. */
  readonly told: bigint;
  /** The pids whose ends are told, of those that have not ended yet. */
  readonly living: () => Iterable<number>;
  /** Its end kills all others; undefined where the container has no pid namespace of its own. */
  readonly reaper: number | undefined;
  /** There were kills: `count` is all of them so far. */
  readonly onKilled: (count: bigint) => void;
  readonly onClosed?: () => void;
}

export class OutOfMemoryWatch {
  readonly #options: OutOfMemoryOptions;
  #count: bigint;
  #told: bigint;
  #quietUntil = 0;
  /** Kills whose victims were not found yet. */
  #unexplained = 0;
  #unexplainedUntil = 0;
  readonly #victims = new Set<number>();
  /** Killed by us, whatever the counter says. */
  readonly #excused = new Set<number>();
  #sign: { close(): void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #noticeTimer: NodeJS.Timeout | undefined;

  constructor(options: OutOfMemoryOptions) {
    this.#options = options;
    this.#told = options.told;
    this.#count = options.told;
  }

  /** Throws where the host gives no sign; kills are then noticed when a process ends. */
  start(): void {
    this.#sign = this.#options.counter.watch(() => this.#lookRepeatedly());
    this.look();
  }

  /** Reads the counter, and tells of kills. */
  look(ended: readonly EndedProcess[] = []): void {
    const count = this.#options.counter.read();
    const rise = count === undefined ? 0n : count - this.#count;
    this.#count = count ?? this.#count;
    // A group below may have gone with its kills.
    if (this.#count < this.#told) this.#told = this.#count;
    const now = performance.now();
    if (rise > 0n) {
      this.#unexplained += Number(rise);
      this.#unexplainedUntil = now + victimTimeoutMs;
    } else if (now > this.#unexplainedUntil) {
      this.#unexplained = 0;
    }
    const found = this.#unexplained > 0 && this.#findVictims(ended);
    if (this.#count > this.#told) this.#tell(found);
  }

  /** Those of the processes, which have just ended, that the kernel has killed; their kills are told by then. */
  judge(ended: readonly EndedProcess[]): ReadonlySet<number> {
    this.look(ended);
    const killed = ended.filter(({ pid, signal }) => this.#victims.has(pid) && signal === SIGKILL);
    for (const { pid } of ended) {
      this.#victims.delete(pid);
      this.#excused.delete(pid);
    }
    return new Set(killed.map(({ pid }) => pid));
  }

  /** These are about to get SIGKILL from us. */
  excuse(pids: Iterable<number>): void {
    for (const pid of pids) if (!this.#victims.has(pid)) this.#excused.add(pid);
  }

  /** The container is gone. */
  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#noticeTimer);
    this.#sign?.close();
    this.#options.onClosed?.();
  }

  /** True when it has found any. */
  #findVictims(ended: readonly EndedProcess[]): boolean {
    const found = this.#candidates(ended).slice(0, this.#unexplained);
    for (const pid of found) this.#victims.add(pid);
    this.#unexplained -= found.length;
    return found.length > 0;
  }

  /** Init first: whoever dies with it in its pid namespace dies because of it. */
  #candidates(ended: readonly EndedProcess[]): number[] {
    const { living, reaper } = this.#options;
    const gone = ended.filter(({ pid, signal }) => signal === SIGKILL || pid === reaper).map(({ pid }) => pid);
    const dying = [...living()].filter((pid) => !ended.some((other) => other.pid === pid) && isDying(pid));
    const all = [...gone, ...dying].filter((pid) => !this.#victims.has(pid) && !this.#excused.has(pid));
    return reaper !== undefined && all.includes(reaper) ? [reaper, ...all.filter((pid) => pid !== reaper)] : all;
  }

  /** At once where an end is about to be told, or when it has been quiet. */
  #tell(atOnce: boolean): void {
    const now = performance.now();
    if (!atOnce && now < this.#quietUntil) {
      this.#noticeTimer ??= setTimeout(() => this.#tell(true), this.#quietUntil - now).unref();
      return;
    }
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = undefined;
    this.#quietUntil = now + quietMs;
    if (this.#count <= this.#told) return;
    this.#told = this.#count;
    this.#options.onKilled(this.#count);
  }

  #lookRepeatedly(): void {
    clearTimeout(this.#timer);
    let next = 0;
    const look = (): void => {
      this.look();
      const delay = lookAgainAfterMs[next++];
      if (delay !== undefined) this.#timer = setTimeout(look, delay).unref();
    };
    look();
  }
}
