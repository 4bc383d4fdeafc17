// The ways to launch a shim, best first: what fails on one rung is tried on the next.
import type { Log } from '../base/log.js';
import { BerthError, messageOf } from '../domain/errors.js';
import type { ShimLaunch, ShimLauncher } from './launcher.js';

export interface Rung {
  readonly name: string;
  readonly launcher: ShimLauncher;
}

export class LaunchLadder implements ShimLauncher {
  readonly #rungs: readonly Rung[];
  readonly #log: Log;
  readonly #counters: Record<string, { launched: number; failed: number }> = {};

  constructor(rungs: readonly Rung[], log: Log) {
    this.#rungs = rungs;
    this.#log = log;
    for (const { name } of rungs) this.#counters[name] = { launched: 0, failed: 0 };
  }

  /** How often each rung has done its work, and how often it has not. */
  get counters(): Readonly<Record<string, Readonly<{ launched: number; failed: number }>>> {
    return this.#counters;
  }

  /** Rejects with the last rung's error. */
  async launch(request: ShimLaunch): Promise<void> {
    let last: unknown = new BerthError('internal', 'there is no way to launch a shim');
    for (const { name, launcher } of this.#rungs) {
      try {
        await launcher.launch(request);
        this.#count(name, 'launched');
        return;
      } catch (error) {
        last = error;
        const { failed } = this.#count(name, 'failed');
        const { namespace, id } = request;
        const fields = { namespace, containerId: id, rung: name, failed, error: messageOf(error) };
        this.#log.warn('a shim could not be launched this way', fields);
      }
    }
    throw last;
  }

  #count(name: string, what: 'launched' | 'failed'): { launched: number; failed: number } {
    const counter = (this.#counters[name] ??= { launched: 0, failed: 0 });
    counter[what]++;
    return counter;
  }
}
