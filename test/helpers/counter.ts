// A container that counts into a file through its stdout, for tests that take away what stands between the two.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../src/base/deadline.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import type { TestDaemon } from './daemon.js';

const limitMs = 15_000;

export class Counter {
  readonly #daemon: TestDaemon;

  private constructor(
    daemon: TestDaemon,
    readonly id: string,
  ) {
    this.#daemon = daemon;
  }

  /** Counts until SIGTERM, and then exits with 21. */
  static async start(daemon: TestDaemon, id: string): Promise<Counter> {
    const counter = new Counter(daemon, id);
    const script = 'trap "exit 21" TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done';
    const log = ['--log-uri', `file://${counter.#log}`];
    const args = ['run', '-d', ...log, '--rootfs', daemon.rootfs, id, '/bin/sh', '-c', script];
    const { stderr, code } = await daemon.ctr(args);
    assert.equal(code, 0, stderr);
    await counter.countsOn();
    return counter;
  }

  get shimPid(): number {
    return Number(readFileSync(join(this.#bundle, 'shim.pid'), 'utf8'));
  }

  async initPid(): Promise<number> {
    const { process } = await this.#daemon.call(TasksService.get, { containerId: this.id, execId: '' });
    return process?.pid ?? assert.fail('the task has no process');
  }

  /** Resolves once it has counted ten further; every number must have come once and in order. */
  async countsOn(): Promise<void> {
    const before = this.#numbers().length;
    await poll(() => this.#numbers().length >= before + 10 || undefined, {
      limitMs,
      intervalMs: 20,
      what: `${this.id} to count on from ${before}`,
    });
    const numbers = this.#numbers();
    assert.deepEqual(
      numbers,
      numbers.map((_number, index) => index + 1),
    );
  }

  /** Resolves when another process than `pid` serves it. */
  async servedByAnother(pid: number, withinMs = limitMs): Promise<number> {
    return await poll(() => (this.shimPid === pid ? undefined : this.shimPid), {
      limitMs: withinMs,
      intervalMs: 20,
      what: `another shim than ${pid} for ${this.id}`,
    });
  }

  async exec(execId: string, ...command: string[]) {
    return await this.#daemon.ctr(['tasks', 'exec', '--exec-id', execId, this.id, ...command]);
  }

  async wait(): Promise<number> {
    return (await this.#daemon.call(TasksService.wait, { containerId: this.id, execId: '' })).exitStatus;
  }

  async kill(signal: number): Promise<void> {
    await this.#daemon.call(TasksService.kill, { containerId: this.id, execId: '', signal, all: false });
  }

  async remove(): Promise<void> {
    assert.equal((await this.#daemon.ctr(['tasks', 'rm', this.id])).code, 0);
    assert.equal((await this.#daemon.ctr(['containers', 'rm', this.id])).code, 0);
  }

  get #bundle(): string {
    return join(this.#daemon.state, 'tasks', this.#daemon.namespace, this.id);
  }

  get #log(): string {
    return this.#daemon.path(`${this.id}.log`);
  }

  #numbers(): number[] {
    return readFileSync(this.#log, 'utf8').split('\n').slice(0, -1).map(Number);
  }
}
