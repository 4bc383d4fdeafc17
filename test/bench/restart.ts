// (8) The daemon is killed with 100 containers running, and started again: until each of them answers Get, and ListPids,
// which the shim has to answer.
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import type { TestDaemon } from '../helpers/daemon.js';
import { Fleet } from './containers.js';
import { type Benchmark, type Context, type Daemons, withDaemons } from './context.js';
import type { Measurement } from './measurement.js';
import { alternate } from './rounds.js';
import { summarize } from './statistics.js';

const pollMs = 1;
const limitMs = 30_000;

export const restart: Benchmark = {
  name: 'restart',
  title: 'SIGKILL and start of the daemon with 100 running containers, until all answer',
  run: async (context) => await withDaemons(async (daemons) => await measure(context, daemons)),
};

async function measure(context: Context, { berth, containerd }: Daemons): Promise<Measurement[]> {
  const count = context.size(100, 30);
  const fleets = [new Fleet(berth), new Fleet(containerd)] as const;
  for (const fleet of fleets) await fleet.growTo(count);
  const serving = new Map<TestDaemon, number[]>([
    [berth, []],
    [containerd, []],
  ]);
  const work = async (daemon: TestDaemon, fleet: Fleet, round: number) => {
    const start = performance.now();
    await daemon.kill9();
    daemon.launch();
    await untilItAccepts(daemon);
    await daemon.call(ContainersService.list, { filters: [] });
    if (round >= 0) serving.get(daemon)?.push(performance.now() - start);
    await Promise.all(fleet.ids.map(async (id) => await answers(daemon, id)));
    return performance.now() - start;
  };
  const contenders = [
    { name: 'Berth', work: async (round: number) => await work(berth, fleets[0], round) },
    { name: 'containerd', work: async (round: number) => await work(containerd, fleets[1], round) },
  ];
  const options = { rounds: context.rounds(7), warmUps: 1, say: context.say };
  const [first = [], second = []] = await alternate(contenders, options);
  for (const fleet of fleets) await fleet.remove();
  const row = { group: '8', unit: 'ms' } as const;
  return [
    {
      ...row,
      name: `restart with ${count} running: all answer`,
      target: { ratio: 1 },
      berth: summarize(first),
      containerd: summarize(second),
    },
    {
      ...row,
      name: `restart with ${count} running: first answer`,
      berth: summarize(serving.get(berth) ?? []),
      containerd: summarize(serving.get(containerd) ?? []),
    },
  ];
}

async function answers(daemon: TestDaemon, id: string): Promise<void> {
  const { process } = await daemon.call(TasksService.get, { containerId: id, execId: '' }, { limitMs });
  if (process?.status !== Status.RUNNING) throw new Error(`${id} has status ${process?.status}`);
  const { processes } = await daemon.call(TasksService.listPids, { containerId: id }, { limitMs });
  if (processes.length === 0) throw new Error(`${id} has no processes`);
}

/** Closely watched: what a slower poll would add is the benchmark's and not the daemon's. */
async function untilItAccepts(daemon: TestDaemon): Promise<void> {
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(pollMs)) {
    const socket = connect(daemon.socket);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      // Not yet.
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`the daemon does not accept connections; its log:\n${daemon.log}`);
}
