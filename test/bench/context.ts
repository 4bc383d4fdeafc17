// What every benchmark is given: how much to measure, where to say what, and the two daemons.
import { startBerthd, startContainerd, type TestDaemon } from '../helpers/daemon.js';
import type { Measurement } from './measurement.js';
import { alternate, type Contender } from './rounds.js';
import { summarize, type Summary } from './statistics.js';

export interface Benchmark {
  /** As BENCH picks it. */
  readonly name: string;
  readonly title: string;
  readonly run: (context: Context) => Promise<Measurement[]>;
}

export interface Daemons {
  readonly berth: TestDaemon;
  readonly containerd: TestDaemon;
}

export interface Context {
  /** The rounds to measure, where a benchmark by itself would take `usual`. */
  readonly rounds: (usual: number) => number;
  /** How many containers, records or files: `usual`, or fewer for a quick look. */
  readonly size: (usual: number, quick: number) => number;
  readonly say: (line: string) => void;
}

/** Both daemons with roots and sockets of their own, logging as they do by default; gone again whatever happens. */
export async function withDaemons<T>(work: (daemons: Daemons) => Promise<T>): Promise<T> {
  const berth = await startBerthd({ args: ['--log-level', 'info'] });
  return await disposing(berth, async () => {
    const containerd = await startContainerd();
    return await disposing(containerd, async () => await work({ berth, containerd }));
  });
}

/** Berth, containerd and the floor in alternation. */
export async function compare(
  context: Context,
  rounds: { readonly usual: number; readonly warmUps: number },
  { berth, containerd }: Daemons,
  work: (daemon: TestDaemon, round: number) => Promise<number | readonly number[]>,
  floor?: { readonly name: string; readonly work: () => Promise<number | readonly number[]> },
): Promise<Pick<Measurement, 'berth' | 'containerd' | 'floor'>> {
  const contenders: Contender[] = [
    { name: 'Berth', work: async (round) => await work(berth, round) },
    { name: 'containerd', work: async (round) => await work(containerd, round) },
    ...(floor === undefined ? [] : [floor]),
  ];
  const { usual, warmUps } = rounds;
  const options = { rounds: context.rounds(usual), warmUps, say: context.say };
  const [first, second, third] = (await alternate(contenders, options)).map(summarize);
  if (first === undefined || second === undefined) throw new Error('two daemons');
  return { berth: first, containerd: second, ...floorOf(floor?.name, third) };
}

function floorOf(name: string | undefined, summary: Summary | undefined): Pick<Measurement, 'floor'> {
  return name === undefined || summary === undefined ? {} : { floor: { name, summary } };
}

/** What the work throws counts for more than what it leaves behind. */
async function disposing<T>(daemon: TestDaemon, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await daemon.dispose().catch(() => undefined);
    throw error;
  }
  await daemon.dispose();
  return result;
}
