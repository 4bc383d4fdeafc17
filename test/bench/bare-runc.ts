// The floor under every container: runc create, start and delete of `true`, by nobody but us.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasEnded } from '../helpers/host-state.js';

export class BareRunc {
  readonly #bundle: string;
  readonly #root: string;
  #runs = 0;

  constructor(
    directory: string,
    rootfs: string,
    readonly namespace: string,
  ) {
    this.#bundle = join(directory, 'bundle');
    this.#root = join(directory, 'runc');
    mkdirSync(this.#bundle);
    mkdirSync(this.#root);
    run('runc', ['spec', '--bundle', this.#bundle]);
    const file = join(this.#bundle, 'config.json');
    const spec = JSON.parse(readFileSync(file, 'utf8'));
    spec.process.terminal = false;
    spec.process.args = ['/bin/true'];
    spec.root = { path: rootfs, readonly: false };
    writeFileSync(file, JSON.stringify(spec));
  }

  /** One container from create to delete. */
  run(): void {
    const id = `${this.namespace}-bare-${this.#runs++}`;
    const pidFile = join(this.#bundle, 'pid');
    this.#runc('create', '--bundle', this.#bundle, '--pid-file', pidFile, id);
    this.#runc('start', id);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    while (!hasEnded(pid)) pause();
    this.#runc('delete', id);
  }

  #runc(...args: string[]): void {
    run('runc', ['--root', this.#root, ...args]);
  }
}

/** Runs a program to its end as fast as Node can, and throws when it fails. */
export function run(file: string, args: readonly string[]): void {
  const { status, signal, error } = spawnSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status ?? signal}`);
}

/** Short against any sample, long enough not to compete with what is measured. */
const pauseMs = 0.2;
const never = new Int32Array(new SharedArrayBuffer(4));

function pause(): void {
  Atomics.wait(never, 0, 0, pauseMs);
}
