// The zygote's next shim, forked before it is asked for: whoever asks then need not wait for the fork. It takes no part in
// anything until it is let go, and ends with the zygote.
import { constants, getPriority, setPriority } from 'node:os';
import { forkNode, type WaitingChild } from '../../src/linux/fork.js';
import type { Children } from './children.js';
import type { StartPages } from './start-pages.js';

/** A fork takes a processor 2 to 4 ms, for which the shim that was just launched has more use than the next one. */
const restMs = 50;

export class ForkAhead {
  readonly #children: Children;
  readonly #startPages: StartPages;
  #waiting: WaitingChild | undefined;
  /** Only once a shim was asked for since the last was forked: one that is killed and killed again is not replaced for ever. */
  #isDue = false;

  constructor(children: Children, startPages: StartPages) {
    this.#children = children;
    this.#startPages = startPages;
  }

  /** How long nothing must happen before `prepare` is called; undefined when it need not be. */
  get restMs(): number | undefined {
    return this.#isDue ? restMs : undefined;
  }

  /** Forks, where that is due. In the child its word; in the zygote undefined, and a failure is left for the next launch to tell. */
  prepare(): string | undefined {
    if (!this.#isDue) return undefined;
    this.#isDue = false;
    try {
      const forked = this.#fork();
      if (typeof forked === 'string') return forked;
      this.#waiting = forked;
      // What it prepares must not take a processor from what is at work.
      setPriority(forked.pid, constants.priority.PRIORITY_LOW);
    } catch {
      // No memory, or no process, to spare.
    }
    return undefined;
  }

  /** The one that waits, else a new one. In the child its word. */
  take(): WaitingChild | string {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#isDue = true;
    if (waiting === undefined) return this.#fork();
    setPriority(waiting.pid, getPriority());
    return waiting;
  }

  /** Whether this ended child is the one that waited, of which nobody has heard. */
  lose(pid: number): boolean {
    if (this.#waiting?.pid !== pid) return false;
    this.#waiting.dismiss();
    this.#waiting = undefined;
    return true;
  }

  #fork(): WaitingChild | string {
    const forked = forkNode(() => {
      this.#children.forget();
      this.#startPages.take();
    });
    if (typeof forked === 'string') return forked;
    try {
      this.#children.addShim(forked.pid);
    } catch (error) {
      forked.dismiss();
      throw error;
    }
    return forked;
  }
}
