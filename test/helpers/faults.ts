// What tests can do to berthd, its shims and runc while they run: a death at a named point, and a fault of the runtime.
// Each is a file that whoever meets it takes away, so that it strikes once.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DaemonOptions, TestDaemon } from './daemon.js';

const dist = resolve(import.meta.dirname, '../..');
const faultyRunc = resolve(dist, '../test/fixtures/runtimes/faulty-runc');

export type RuntimeFault = 'fail' | 'fail-after' | 'hang' | 'hang-in-groups' | `delay ${string}`;

/** For a daemon under test that is to meet faults. */
export const faultyDaemon: DaemonOptions = {
  args: ['--runtime', faultyRunc, '--shim-launch', 'auto'],
  env: (directory) => ({ BERTH_FAILPOINT: `@${join(directory, 'points')}` }),
};

export class Faults {
  readonly #points: string;
  readonly #runtime: string;

  constructor(daemon: TestDaemon) {
    this.#points = daemon.path('points');
    this.#runtime = daemon.path('faults');
    mkdirSync(this.#points, { recursive: true });
    mkdirSync(this.#runtime, { recursive: true });
  }

  /** The next process to pass the point dies there. */
  armPoint(name: string): void {
    writeFileSync(join(this.#points, name), '');
  }

  /** Whether nobody has passed it yet. */
  isArmed(name: string): boolean {
    return existsSync(join(this.#points, name));
  }

  disarmPoint(name: string): void {
    rmSync(join(this.#points, name), { force: true });
  }

  /** The next call of this verb of the runtime meets the fault. */
  armRuntime(verb: string, fault: RuntimeFault): void {
    writeFileSync(join(this.#runtime, verb), `${fault}\n`);
  }

  /** Whether no call of this verb has met its fault yet. */
  isRuntimeArmed(verb: string): boolean {
    return existsSync(join(this.#runtime, verb));
  }

  disarmRuntime(): string[] {
    const left = readdirSync(this.#runtime).filter((name) => !name.startsWith('.'));
    for (const verb of left) rmSync(join(this.#runtime, verb), { force: true });
    return left;
  }
}

/** Every failpoint in the built code that lies on the way of a task's life; checkpoints and output have tests of their own. */
export function taskPoints(): string[] {
  const ways = /^(adopt|commit-|create|delete|exec|exit|pause|recover|shim|start)/;
  const elsewhere = /checkpoint|restore|output/;
  return failpointsIn('src/supervisor', 'src/store', 'shim').filter((name) => ways.test(name) && !elsewhere.test(name));
}

/** Those on the way of an image and of its snapshots, from the pull to the collection. */
export function imagePoints(): string[] {
  const ways = /^(content|gc|pull|snapshots|unpack)\./;
  return failpointsIn('src/images', 'src/supervisor/transfers').filter((name) => ways.test(name));
}

/** Every failpoint in the built code of the project's folders. */
export function failpointsIn(...folders: readonly string[]): string[] {
  const files = folders.flatMap((folder) =>
    readdirSync(join(dist, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => join(dist, folder, name)),
  );
  const names = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\bfailpoint\('([^']+)'\)/g)]);
  return [...new Set(names.map(([, name]) => name ?? ''))].sort();
}
