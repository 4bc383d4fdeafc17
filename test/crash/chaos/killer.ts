// Kills and hangs, at random, whatever stands between a client and its container.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDaemon } from '../../helpers/daemon.js';
import type { Random } from './random.js';

const longestPauseMs = 1500;
/** One in so many attacks hangs a shim, which takes the daemon's deadlines to notice. */
const oneInHangs = 40;

export class Killer {
  /** How many of each were killed or hung. */
  readonly counts = { daemon: 0, shim: 0, both: 0, hung: 0 };
  readonly #daemon: TestDaemon;
  readonly #random: Random;

  constructor(daemon: TestDaemon, random: Random) {
    this.#daemon = daemon;
    this.#random = random;
  }

  get kills(): number {
    const { daemon, shim, both, hung } = this.counts;
    return daemon + shim + both * 2 + hung;
  }

  async run(kills: number, over: AbortSignal): Promise<void> {
    while (this.kills < kills && !over.aborted) {
      await sleep(this.#random.below(longestPauseMs));
      const target = this.#random.pick(['daemon', 'shim', 'shim', 'both'] as const);
      const shims = this.#shims();
      if (target === 'daemon') await this.#daemon.restart('SIGKILL');
      else if (shims.length === 0) continue;
      else if (target === 'shim' && this.#random.below(oneInHangs) === 0) {
        if (signal(this.#random.pick(shims), 'SIGSTOP')) this.counts.hung++;
        continue;
      } else if (!signal(this.#random.pick(shims), 'SIGKILL')) continue;
      if (target === 'both') await this.#daemon.restart('SIGKILL');
      this.counts[target]++;
    }
  }

  #shims(): number[] {
    const tasks = join(this.#daemon.state, 'tasks', this.#daemon.namespace);
    return listed(tasks).flatMap((id) => pidIn(join(tasks, id, 'shim.pid')));
  }
}

function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP'): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function pidIn(path: string): number[] {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return pid > 0 ? [pid] : [];
  } catch {
    return [];
  }
}

function listed(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}
