// Prepare of 1,000 snapshots, each on the one before (a chain), and all on one parent (a fan).
import type { TestDaemon } from '../helpers/daemon.js';
import { Snapshots } from '../helpers/snapshots.js';
import { type Benchmark, compare, type Context, type Daemons, withDaemons } from './context.js';
import { timed } from './rounds.js';

/** So many in a row for one daemon, then the other's turn. */
const perRound = 50;
const base = 'base';

export const snapshots: Benchmark = {
  name: 'snapshots',
  title: 'Prepare of 1,000 overlayfs snapshots in a chain and in a fan',
  run: async (context) =>
    await withDaemons(async (daemons) => {
      const all = [daemons.berth, daemons.containerd];
      const of = new Map(all.map((daemon) => [daemon, new Snapshots(() => daemon)]));
      const snapshotsOf = (daemon: TestDaemon) => of.get(daemon) ?? new Snapshots(() => daemon);
      const count = context.size(1000, 100);
      const chain = await prepareAll(context, daemons, count, async (daemon, index) => {
        const parent = index === 0 ? '' : `chain-${index - 1}`;
        const key = `preparing-${index}`;
        const took = await timed(async () => await snapshotsOf(daemon).prepare(key, parent));
        await snapshotsOf(daemon).commit(`chain-${index}`, key);
        return took;
      });
      for (const daemon of all) {
        await snapshotsOf(daemon).prepare('preparing-base');
        await snapshotsOf(daemon).commit(base, 'preparing-base');
      }
      const fan = await prepareAll(
        context,
        daemons,
        count,
        async (daemon, index) => await timed(async () => await snapshotsOf(daemon).prepare(`fan-${index}`, base)),
      );
      const row = { group: 'images', unit: 'ms', target: { ratio: 1 } } as const;
      return [
        { ...row, name: `Prepare, ${count} in a chain`, ...chain },
        { ...row, name: `Prepare, ${count} in a fan`, ...fan },
      ];
    }),
};

/** Each daemon makes `count` of them, by turns. */
async function prepareAll(
  context: Context,
  daemons: Daemons,
  count: number,
  prepare: (daemon: TestDaemon, index: number) => Promise<number>,
) {
  // All of them count, however few rounds are asked for: the depth of the chain is what is measured.
  const whole: Context = { ...context, rounds: (usual) => usual };
  return await compare(whole, { usual: count / perRound, warmUps: 0 }, daemons, async (daemon, round) => {
    const samples: number[] = [];
    for (let index = round * perRound; index < (round + 1) * perRound; index++)
      samples.push(await prepare(daemon, index));
    return samples;
  });
}
