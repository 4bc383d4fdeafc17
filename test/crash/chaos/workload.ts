// What clients do while things are killed around them: containers and execs with a known end, and whether it came.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { DeadlineError, poll } from '../../../src/base/deadline.js';
import { ContainersService } from '../../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../../src/generated/containerd/v1/types/task.js';
import { containerMessage } from '../../helpers/containers.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import { MortalClients } from './mortal-clients.js';
import { isStatus, PersistentClient } from './persistent-client.js';
import type { Random } from './random.js';

const SIGTERM = 15;
const SIGKILL = 9;
const signalPauseMs = 100;
/**
 * A start that is under way is over by then, however the daemon died. An init's comes through though the runtime hangs, for
 * which its shim gives it a minute; an exec's is given up.
 */
const startLimitMs = { init: 90_000, exec: 10_000 };
const startPollMs = 100;

/** How one process has to end; an end that nobody could measure is told as unknown, and counted. */
export interface ExpectedEnd {
  readonly container: string;
  /** The container's id for its init, as in the events. */
  readonly process: string;
  readonly status: number;
}

export type Life = 'exits' | 'killed' | 'trapped' | 'execs' | 'paused' | 'deserted' | 'everything';
const lives: readonly Life[] = ['exits', 'killed', 'trapped', 'execs', 'paused', 'deserted'];

export class Workload {
  readonly expected: ExpectedEnd[] = [];
  readonly clients: MortalClients;
  readonly #client: PersistentClient;
  readonly #random: Random;
  readonly #daemon: TestDaemon;
  #made = 0;

  readonly #prefix: string;

  /** The containers' ids begin with `prefix`. */
  constructor(daemon: TestDaemon, random: Random, prefix = 'c') {
    this.#prefix = prefix;
    this.#client = new PersistentClient(daemon);
    this.clients = new MortalClients(daemon, this.#client);
    this.#random = random;
    this.#daemon = daemon;
  }

  /** One container from its creation to its deletion; `meanwhile` is done to it while it runs. */
  async once(life: Life = this.#random.pick(lives), meanwhile?: (id: string) => Promise<void>): Promise<void> {
    const id = `${this.#prefix}${++this.#made}`;
    const code = this.#random.below(100);
    const soon = `sleep 0.${this.#random.below(5)}; exit ${code}`;
    if (life === 'deserted') return await this.clients.once(id, soon);
    await this.#create(id, life === 'exits' ? soon : waitingScript(code));
    await meanwhile?.(id);
    const end = await this.#live(id, life, code);
    this.expected.push({ container: id, process: id, status: end });
    await this.#ended(id, '', end);
    await this.#client.call(TasksService.delete, { containerId: id }, [status.NOT_FOUND]);
    await this.#client.call(ContainersService.delete, { id }, [status.NOT_FOUND]);
  }

  /** Returns the status that init has to end with. */
  async #live(id: string, life: Exclude<Life, 'deserted'>, code: number): Promise<number> {
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
      case 'everything':
        await this.#exec(id, 'e1');
        await this.#pauseAndResume(id);
        await this.#terminate(id);
        return code;
      case 'paused':
        await this.#pauseAndResume(id);
        await this.#terminate(id);
        return code;
    }
  }

  async #pauseAndResume(id: string): Promise<void> {
    await this.#client.call(TasksService.pause, { containerId: id }, [status.FAILED_PRECONDITION]);
    await this.#client.call(TasksService.resume, { containerId: id }, [status.FAILED_PRECONDITION]);
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
    assert.ok(await this.#start(id, ''), `${id} was never started`);
  }

  /** False when it will never run: an exec that the runtime could not make, or that went with its shim before its start. */
  async #start(containerId: string, execId: string): Promise<boolean> {
    const start = async (): Promise<true | undefined> => {
      await this.#client.call(TasksService.start, { containerId, execId }).catch((error: unknown) => {
        // Under way, done, or never to be: the state says which.
        if (!isStatus(error, status.FAILED_PRECONDITION)) throw error;
      });
      const answer = await this.#client.call(TasksService.get, { containerId, execId });
      // The start that an earlier try began is still under way, or has failed.
      return answer?.process?.status !== Status.CREATED || undefined;
    };
    try {
      const limitMs = startLimitMs[execId === '' ? 'init' : 'exec'];
      return await poll(start, { limitMs, intervalMs: startPollMs, what: `the start of ${containerId} ${execId}` });
    } catch (error) {
      if (execId !== '' && (error instanceof DeadlineError || isStatus(error, status.NOT_FOUND))) return false;
      throw error;
    }
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
    if (await this.#start(id, execId)) {
      this.expected.push({ container: id, process: execId, status: code });
      await this.#ended(id, execId, code);
    }
    await this.#client.call(TasksService.deleteProcess, { containerId: id, execId }).catch((error: unknown) => {
      if (!isStatus(error, status.NOT_FOUND)) throw error;
    });
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
