// Kills and hangs, at random, whatever stands between a client and its container, and has the runtime fail.
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDaemon } from '../../helpers/daemon.js';
import { Faults, imagePoints, type RuntimeFault, taskPoints } from '../../helpers/faults.js';
import type { EventLog } from './event-log.js';
import type { MortalClients } from './mortal-clients.js';
import type { Random } from './random.js';

const longestPauseMs = 1500;
/** From the passing of a failpoint to the news of the death. */
const lastDeathMs = 200;
/** One in so many attacks on a shim hangs it, which takes the daemon's deadlines to notice. */
const oneInHangs = 40;
/** One in so many faults of the runtime is a hang, which takes the shim's deadlines of a minute and more to notice. */
const oneInRuntimeHangs = 40;

const targets = ['daemon', 'shim', 'shim', 'both', 'zygote', 'client', 'point', 'point', 'point', 'runtime'] as const;
const verbs = ['create', 'start', 'exec', 'delete'] as const;

export interface Victims {
  readonly clients: MortalClients;
  readonly subscriber: EventLog;
}

export class Killer {
  /** How many of each were killed, cut off, or hung; `runtime` are faults of the runtime that were met. */
  readonly counts = { daemon: 0, shim: 0, both: 0, hung: 0, zygote: 0, client: 0, point: 0, runtime: 0 };
  readonly #daemon: TestDaemon;
  readonly #random: Random;
  readonly #faults: Faults;
  readonly #victims: Victims;
  readonly #points = [...taskPoints(), ...imagePoints()];
  #point: string | undefined;
  #armedFaults = 0;

  constructor(daemon: TestDaemon, random: Random, victims: Victims) {
    this.#daemon = daemon;
    this.#random = random;
    this.#faults = new Faults(daemon);
    this.#victims = victims;
  }

  get kills(): number {
    const { daemon, shim, both, hung, zygote, client, point } = this.counts;
    return daemon + shim + both * 2 + hung + zygote + client + point;
  }

  async run(kills: number, over: AbortSignal): Promise<void> {
    while (this.kills < kills && !over.aborted) {
      await sleep(this.#random.below(longestPauseMs));
      const target = this.#random.pick(targets);
      this.#note(target);
      await this.#attack(target);
      // One that has died at a failpoint.
      if (this.#daemon.hasDied) await this.#daemon.start();
    }
    await this.#relent();
  }

  /** Into the daemon's log, so that a failure can be read in the order of things. */
  #note(what: string): void {
    appendFileSync(this.#daemon.logFile, `${new Date().toISOString()} CHAOS ${what}\n`);
  }

  async #attack(target: (typeof targets)[number]): Promise<void> {
    switch (target) {
      case 'daemon':
        await this.#daemon.restart('SIGKILL');
        this.counts.daemon++;
        return;
      case 'shim':
        return this.#attackShim();
      case 'both':
        if (!this.#killShim()) return;
        await this.#daemon.restart('SIGKILL');
        this.counts.both++;
        return;
      case 'zygote':
        if (this.#zygotes().some((pid) => signal(pid, 'SIGKILL'))) this.counts.zygote++;
        return;
      case 'client':
        if (!this.#victims.clients.killOne(this.#random)) this.#victims.subscriber.cutOff();
        this.counts.client++;
        return;
      case 'point':
        return this.#armPoint();
      case 'runtime':
        return this.#armRuntime();
    }
  }

  #attackShim(): void {
    if (this.#random.below(oneInHangs) > 0) {
      if (this.#killShim()) this.counts.shim++;
      return;
    }
    const shims = this.#shims();
    if (shims.length > 0 && signal(this.#random.pick(shims), 'SIGSTOP')) this.counts.hung++;
  }

  #killShim(): boolean {
    const shims = this.#shims();
    return shims.length > 0 && signal(this.#random.pick(shims), 'SIGKILL');
  }

  /** One at a time; the one before has struck, or its time is over. */
  #armPoint(): void {
    if (this.#point !== undefined) {
      if (!this.#faults.isArmed(this.#point)) this.counts.point++;
      this.#faults.disarmPoint(this.#point);
    }
    this.#point = this.#random.pick(this.#points);
    this.#note(this.#point);
    this.#faults.armPoint(this.#point);
  }

  #armRuntime(): void {
    this.#countRuntimeFaults();
    const fault: RuntimeFault =
      this.#random.below(oneInRuntimeHangs) === 0
        ? 'hang'
        : this.#random.pick(['fail', `delay ${1 + this.#random.below(3)}`] as const);
    const verb = this.#random.pick(verbs);
    this.#note(`${verb}: ${fault}`);
    this.#faults.armRuntime(verb, fault);
    this.#armedFaults++;
  }

  #countRuntimeFaults(): void {
    this.counts.runtime += this.#armedFaults - this.#faults.disarmRuntime().length;
    this.#armedFaults = 0;
  }

  /** What is armed and has not struck would strike the checks that follow. */
  async #relent(): Promise<void> {
    this.#countRuntimeFaults();
    if (this.#point !== undefined) this.#faults.disarmPoint(this.#point);
    await sleep(lastDeathMs);
    if (this.#daemon.hasDied) await this.#daemon.start();
  }

  #shims(): number[] {
    const tasks = join(this.#daemon.state, 'tasks', this.#daemon.namespace);
    return listed(tasks).flatMap((id) => pidIn(join(tasks, id, 'shim.pid')));
  }

  #zygotes(): number[] {
    const { pid } = this.#daemon;
    const children = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').map(Number);
    return children.filter((child) => textOf(`/proc/${child}/cmdline`).startsWith('berth-zygote'));
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
  const pid = Number(textOf(path));
  return pid > 0 ? [pid] : [];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function listed(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}
