// The floor under every container: runc create, start and delete of `true`, by nobody but us.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded } from '../helpers/host-state.js';
import { runQuickly } from './run-quickly.js';

/** Short against any sample, long enough not to compete with what is measured. */
const pauseMs = 1;

export class BareRunc {
  readonly #bundle: string;
  readonly #root: string;
  #runs = 0;

  private constructor(
    directory: string,
    readonly namespace: string,
  ) {
    this.#bundle = join(directory, 'bundle');
    this.#root = join(directory, 'runc');
  }

  /** Keeps its things below `directory`; the containers' names begin with the namespace. */
  static async create(directory: string, rootfs: string, namespace: string): Promise<BareRunc> {
    const bare = new BareRunc(directory, namespace);
    mkdirSync(bare.#bundle, { recursive: true });
    mkdirSync(bare.#root, { recursive: true });
    await runQuickly('runc', ['spec', '--bundle', bare.#bundle]);
    const file = join(bare.#bundle, 'config.json');
    const spec = JSON.parse(readFileSync(file, 'utf8'));
    spec.process.terminal = false;
    spec.process.args = ['/bin/true'];
    spec.root = { path: rootfs, readonly: false };
    writeFileSync(file, JSON.stringify(spec));
    return bare;
  }

  /** One container from create to delete. */
  async run(): Promise<void> {
    const id = `${this.namespace}-bare-${this.#runs++}`;
    const pidFile = join(this.#bundle, `${id}.pid`);
    await this.#runc('create', '--bundle', this.#bundle, '--pid-file', pidFile, id);
    await this.#runc('start', id);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    while (!hasEnded(pid)) await sleep(pauseMs);
    await this.#runc('delete', id);
  }

  async #runc(...args: string[]): Promise<void> {
    await runQuickly('runc', ['--root', this.#root, ...args]);
  }
}
