// What clients do while things are killed around them: containers and execs with a known end, and whether it came.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServiceError, status } from '@grpc/grpc-js';
import { ContainersService } from '../../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../../src/generated/containerd/services/tasks/v1/tasks.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import { containerMessage } from '../../helpers/containers.js';
import { PersistentClient } from './persistent-client.js';
import type { Random } from './random.js';

const SIGTERM = 15;
const SIGKILL = 9;
const signalPauseMs = 100;

/** How one process has to end; an end that nobody could measure is told as unknown, and counted. */
export interface ExpectedEnd {
  readonly container: string;
  /** The container's id for its init, as in the events. */
  readonly process: string;
  readonly status: number;
}

export class Workload {
  readonly expected: ExpectedEnd[] = [];
  readonly #client: PersistentClient;
  readonly #random: Random;
  readonly #daemon: TestDaemon;
  #made = 0;

  constructor(daemon: TestDaemon, random: Random) {
    this.#client = new PersistentClient(daemon);
    this.#random = random;
    this.#daemon = daemon;
  }

  /** One container from its creation to its deletion. */
  async once(): Promise<void> {
    const id = `c${++this.#made}`;
    const life = this.#random.pick(['exits', 'killed', 'trapped', 'execs', 'paused'] as const);
    const code = this.#random.below(100);
    await this.#create(id, life === 'exits' ? `sleep 0.${this.#random.below(5)}; exit ${code}` : waitingScript(code));
    const end = await this.#live(id, life, code);
    this.expected.push({ container: id, process: id, status: end });
    await this.#ended(id, '', end);
    await this.#client.call(TasksService.delete, { containerId: id }, [status.NOT_FOUND]);
    await this.#client.call(ContainersService.delete, { id }, [status.NOT_FOUND]);
  }

  /** Returns the status that init has to end with. */
  async #live(id: string, life: 'exits' | 'killed' | 'trapped' | 'execs' | 'paused', code: number): Promise<number> {
    switch (life) {
      case 'exits':
        return code;
      case 'trapped':
        await this.#terminate(id);
        return code;
      case 'killed':
        await this.#signal(id, SIGKILL);
        return 128 + SIGKILL;
      case 'execs':
        for (let count = 1 + this.#random.below(3); count > 0; count--) await this.#exec(id, `e${count}`);
        await this.#signal(id, SIGKILL);
        return 128 + SIGKILL;
      case 'paused':
        await this.#client.call(TasksService.pause, { containerId: id }, [status.FAILED_PRECONDITION]);
        await this.#client.call(TasksService.resume, { containerId: id }, [status.FAILED_PRECONDITION]);
        await this.#terminate(id);
        return code;
    }
  }

  async #create(id: string, script: string): Promise<void> {
    const container = containerMessage(this.#daemon, id, ['/bin/sh', '-c', script]);
    await this.#client.call(ContainersService.create, { container }, [status.ALREADY_EXISTS]);
    const request = {
      containerId: id,
      rootfs: [],
      stdin: '',
      stdout: '',
      stderr: '',
      terminal: false,
      checkpoint: undefined,
      options: undefined,
      runtimePath: '',
    };
    await this.#client.call(TasksService.create, request, [status.ALREADY_EXISTS]);
    await this.#client.call(TasksService.start, { containerId: id, execId: '' }, [status.FAILED_PRECONDITION]);
  }

  async #exec(id: string, execId: string): Promise<void> {
    const code = this.#random.below(100);
    const args = ['/bin/sh', '-c', `sleep 0.${this.#random.below(3)}; exit ${code}`];
    const process = { args, cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] };
    const spec = {
      typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
      value: Buffer.from(JSON.stringify(process)),
    };
    const add = { containerId: id, execId, stdin: '', stdout: '', stderr: '', terminal: false, spec };
    await this.#client.call(TasksService.exec, add, [status.ALREADY_EXISTS]);
    try {
      await this.#client.call(TasksService.start, { containerId: id, execId }, [status.FAILED_PRECONDITION]);
    } catch (error) {
      // A shim that died took the exec with it before it was started: nothing ran, so nothing has to end.
      if (isStatus(error, status.NOT_FOUND)) return;
      throw error;
    }
    this.expected.push({ container: id, process: execId, status: code });
    await this.#ended(id, execId, code);
    await this.#client.call(TasksService.deleteProcess, { containerId: id, execId }, [status.NOT_FOUND]);
  }

  /** An init without a handler ignores SIGTERM, and the script may not have set its trap yet: asked until it has. */
  async #terminate(id: string): Promise<void> {
    const ended = new AbortController();
    const waiting = this.#client.call(TasksService.wait, { containerId: id, execId: '' }).finally(() => ended.abort());
    while (!ended.signal.aborted) {
      await this.#signal(id, SIGTERM);
      await Promise.race([waiting, sleep(signalPauseMs)]);
    }
    await waiting;
  }

  async #signal(id: string, signal: number): Promise<void> {
    const request = { containerId: id, execId: '', signal, all: false };
    await this.#client.call(TasksService.kill, request).catch((error: unknown) => {
      // It has ended already.
      if (!isStatus(error, status.NOT_FOUND)) throw error;
    });
  }

  async #ended(containerId: string, execId: string, expected: number): Promise<void> {
    const answer = await this.#client.call(TasksService.wait, { containerId, execId });
    const name = `${containerId} ${execId}`;
    assert.ok(answer !== undefined && [expected, 255].includes(answer.exitStatus), `${name}: ${answer?.exitStatus}`);
  }
}

function waitingScript(code: number): string {
  return `trap "exit ${code}" TERM; while :; do sleep 0.01; done`;
}

function isStatus(error: unknown, code: status): boolean {
  return (error as Partial<ServiceError>).code === code;
}
