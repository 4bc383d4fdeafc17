// A process whose parent never waits for it: once killed it stays a zombie until the parent goes too.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { poll } from '../../src/base/deadline.js';

const limits = { limitMs: 20_000, intervalMs: 2 };

export class UnwaitedChild implements AsyncDisposable {
  private constructor(
    private readonly parent: ChildProcess,
    readonly pid: number,
  ) {}

  /** Runs `program 600`, which sleeps. */
  static async start(program = '/bin/sleep'): Promise<UnwaitedChild> {
    const parent = spawn('sh', ['-c', '"$0" 600 & exec sleep 600', program], { stdio: 'ignore' });
    const child = new UnwaitedChild(parent, 0);
    try {
      const pid = await poll(() => childOf(parent.pid ?? 0), { ...limits, what: 'the child' });
      // The shell would wait for its child; what it becomes does not.
      const isExecuted = () => [parent.pid, pid].every((one) => !statOf(one ?? 0).includes('(sh)')) || undefined;
      await poll(isExecuted, { ...limits, what: 'both to run their programs' });
      return new UnwaitedChild(parent, pid);
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Kills it, and returns when it is a zombie. */
  async becomeZombie(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    const isZombie = () => statOf(this.pid).slice(statOf(this.pid).lastIndexOf(')')).startsWith(') Z') || undefined;
    await poll(isZombie, { ...limits, what: 'a zombie' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.parent, 'exit');
    if (this.pid !== 0) process.kill(this.pid, 'SIGKILL');
    this.parent.kill('SIGKILL');
    await ended;
  }
}

function statOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8');
}

function childOf(parent: number): number | undefined {
  const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
  return child === undefined || child === '' ? undefined : Number(child);
}
