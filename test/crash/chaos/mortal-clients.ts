// Clients that may be killed at any moment: `ctr run` in the foreground. Another client then removes what is left.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { ContainersService } from '../../../src/generated/containerd/services/containers/v1/containers.js';
import { LeasesService } from '../../../src/generated/containerd/services/leases/v1/leases.js';
import { TasksService } from '../../../src/generated/containerd/services/tasks/v1/tasks.js';
import type { TestDaemon } from '../../helpers/daemon.js';
import type { Program } from '../../helpers/program.js';
import { isStatus, type PersistentClient } from './persistent-client.js';
import type { Random } from './random.js';

const SIGKILL = 9;
/** What a dead client had asked for may still be on its way. */
const lastWordsMs = 100;

export class MortalClients {
  readonly #daemon: TestDaemon;
  readonly #client: PersistentClient;
  readonly #running = new Set<Program>();

  constructor(daemon: TestDaemon, client: PersistentClient) {
    this.#daemon = daemon;
    this.#client = client;
  }

  async once(id: string, script: string): Promise<void> {
    const { rootfs } = this.#daemon;
    const client = this.#daemon.startCtr(['run', '--rootfs', rootfs, id, '/bin/sh', '-c', script]);
    this.#running.add(client);
    await client.result().catch(() => undefined);
    this.#running.delete(client);
    await sleep(lastWordsMs);
    await this.#forget(id);
  }

  /** False when there is none. */
  killOne(random: Random): boolean {
    if (this.#running.size === 0) return false;
    random.pick([...this.#running]).signal('SIGKILL');
    return true;
  }

  /** Once all have ended: one that was killed leaves the lease that it held, which would go after a day. */
  async removeLeases(): Promise<void> {
    const listed = await this.#client.call(LeasesService.list, { filters: [] });
    for (const { id } of listed?.leases ?? []) {
      await this.#client.call(LeasesService.delete, { id, sync: false }, [status.NOT_FOUND]);
    }
  }

  /** Whatever state the dead client left it in. */
  async #forget(id: string): Promise<void> {
    for (;;) {
      await this.#unless(
        this.#client.call(TasksService.kill, { containerId: id, execId: '', signal: SIGKILL, all: false }),
      );
      await this.#unless(this.#client.call(TasksService.delete, { containerId: id }));
      if (await this.#unless(this.#client.call(ContainersService.delete, { id }))) return;
      await sleep(lastWordsMs);
    }
  }

  /** True when it is done; false when something else has to end first. */
  async #unless(call: Promise<unknown>): Promise<boolean> {
    try {
      await call;
      return true;
    } catch (error) {
      if (isStatus(error, status.NOT_FOUND)) return true;
      if (isStatus(error, status.FAILED_PRECONDITION)) return false;
      throw error;
    }
  }
}
