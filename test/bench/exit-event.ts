// (4) From the SIGKILL that ends a container's process to the exit event at a subscriber. The signal comes from here and
// not through the daemon, so that nothing but the way of the exit is timed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { withDeadline } from '../../src/base/deadline.js';
import { TaskExit } from '../../src/generated/containerd/events/task.js';
import { EventsService } from '../../src/generated/containerd/services/events/v1/events.js';
import type { Envelope } from '../../src/generated/containerd/types/event.js';
import { removeContainer } from '../helpers/containers.js';
import type { TestDaemon } from '../helpers/daemon.js';
import { metadataFor } from '../helpers/rpc.js';
import { startIdle } from './containers.js';
import { type Benchmark, compare, withDaemons } from './context.js';

const limitMs = 10_000;

export const exitEvent: Benchmark = {
  name: 'exit-event',
  title: "from the SIGKILL of a container's init to the exit event at a subscriber",
  run: async (context) =>
    await withDaemons(async (daemons) => {
      const watches = new Map([daemons.berth, daemons.containerd].map((daemon) => [daemon, new ExitWatch(daemon)]));
      try {
        const work = async (daemon: TestDaemon, round: number) =>
          await exitToEvent(daemon, watches.get(daemon) ?? new ExitWatch(daemon), `x${round + 1000}`);
        const floor = { name: "SIGKILL to 'exit' of a child of the benchmark", work: exitOfChild };
        const figures = await compare(context, { usual: 25, warmUps: 3 }, daemons, work, floor);
        return [{ group: '4', name: 'exit to event', unit: 'ms', target: { ratio: 1, most: 5 }, ...figures }];
      } finally {
        for (const watch of watches.values()) watch.close();
      }
    }),
};

async function exitToEvent(daemon: TestDaemon, watch: ExitWatch, id: string): Promise<number> {
  const pid = await startIdle(daemon, id);
  const arrived = watch.exitOf(id);
  const start = performance.now();
  process.kill(pid, 'SIGKILL');
  try {
    return (await withDeadline(arrived, limitMs, `the exit event of ${id}`)) - start;
  } finally {
    await removeContainer(daemon, id);
  }
}

async function exitOfChild(): Promise<number> {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  const start = performance.now();
  child.kill('SIGKILL');
  await ended;
  return performance.now() - start;
}

/** One subscription for all rounds. */
class ExitWatch {
  readonly #stream: ClientReadableStream<Envelope>;
  readonly #waiting = new Map<string, (at: number) => void>();

  constructor(daemon: TestDaemon) {
    const { path, requestSerialize, responseDeserialize } = EventsService.subscribe;
    this.#stream = daemon.client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { filters: ['topic=="/tasks/exit"'] },
      metadataFor({ namespace: daemon.namespace }),
      {},
    );
    // One that ends early shows as exits that do not come.
    this.#stream.on('error', () => undefined);
    this.#stream.on('data', ({ event }: Envelope) => {
      const at = performance.now();
      if (event !== undefined) this.#waiting.get(TaskExit.decode(event.value).containerId)?.(at);
    });
  }

  /** The moment at which its event came. */
  async exitOf(id: string): Promise<number> {
    return await new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  close(): void {
    this.#stream.cancel();
  }
}
