// What several benchmarks do with containers, by the generated gRPC client: the same code for both daemons.
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { createContainer, createTask, deleteTask, removeContainer, startTask } from '../helpers/containers.js';
import type { TestDaemon } from '../helpers/daemon.js';

/** Long enough for any benchmark, and quick to end by SIGKILL. */
export const idle = ['/bin/sleep', '100000'];

const manyLimitMs = 120_000;

/** At most so many at once are created and removed, as long as that is not what is measured. */
const atOnce = 8;

/** create + start + wait + delete of a container that ends by itself. */
export async function liveOnce(daemon: TestDaemon, id: string, args: readonly string[]): Promise<void> {
  await createContainer(daemon, id, args);
  await createTask(daemon, id);
  const exit = daemon.call(TasksService.wait, { containerId: id, execId: '' }, { limitMs: manyLimitMs });
  exit.catch(() => undefined);
  await startTask(daemon, id);
  const { exitStatus } = await exit;
  if (exitStatus !== 0) throw new Error(`${id} ended with ${exitStatus}`);
  await deleteTask(daemon, id);
  await daemon.call(ContainersService.delete, { id });
}

/** A container that runs until it is killed, and its pid. */
export async function startIdle(daemon: TestDaemon, id: string): Promise<number> {
  await createContainer(daemon, id, idle);
  await createTask(daemon, id);
  return await startTask(daemon, id);
}

/** Containers that do nothing, more of them as they are wanted. */
export class Fleet {
  readonly #daemon: TestDaemon;
  readonly #pids = new Map<string, number>();

  constructor(daemon: TestDaemon) {
    this.#daemon = daemon;
  }

  get ids(): string[] {
    return [...this.#pids.keys()];
  }

  get pids(): number[] {
    return [...this.#pids.values()];
  }

  async growTo(count: number): Promise<void> {
    const missing = Array.from({ length: count }, (_empty, index) => `idle-${index}`).filter(
      (id) => !this.#pids.has(id),
    );
    await eachOf(missing, atOnce, async (id) => {
      this.#pids.set(id, await startIdle(this.#daemon, id));
    });
  }

  async remove(): Promise<void> {
    await eachOf(this.ids, atOnce, async (id) => await removeContainer(this.#daemon, id));
    this.#pids.clear();
  }
}

/** `work` for every item, at most `width` of them at a time. */
export async function eachOf<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
