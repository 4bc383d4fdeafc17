// The ways to launch a shim, best first: what fails on one rung is tried on the next.
import type { Log } from '../base/log.js';
import { BerthError, messageOf } from '../domain/errors.js';
import type { RungCounts } from './launch-counts.js';
import type { ShimLaunch, ShimLauncher } from './launcher.js';
import type { ShimIdentity } from './task-shim.js';

export interface Rung {
  readonly name: string;
  readonly launcher: ShimLauncher;
}

interface CountedRung extends Rung {
  readonly counts: { readonly name: string; launched: number; failed: number };
}

export class LaunchLadder implements ShimLauncher {
  readonly #rungs: readonly CountedRung[];
  readonly #log: Log;
  readonly counts: readonly RungCounts[];

  constructor(rungs: readonly Rung[], log: Log) {
    this.#rungs = rungs.map((rung) => ({ ...rung, counts: { name: rung.name, launched: 0, failed: 0 } }));
    this.#log = log;
    this.counts = this.#rungs.map(({ counts }) => counts);
  }

  /** Rejects with the last rung's error. */
  async launch(request: ShimLaunch): Promise<ShimIdentity> {
    let last: unknown = new BerthError('internal', 'there is no way to launch a shim');
    for (const { name, launcher, counts } of this.#rungs) {
      try {
        const identity = await launcher.launch(request);
        counts.launched++;
        return identity;
      } catch (error) {
        last = error;
        const failed = ++counts.failed;
        const { namespace, id } = request;
        const fields = { namespace, containerId: id, rung: name, failed, error: messageOf(error) };
        this.#log.warn('a shim could not be launched this way', fields);
      }
    }
    throw last;
  }
}
