// (1) `ctr run --rm` of `true`, one after the other: the whole life of a container as a user sees it.
import type { TestDaemon } from '../helpers/daemon.js';
import { BareRunc } from './bare-runc.js';
import { type Benchmark, compare, withDaemons } from './context.js';
import { timed } from './rounds.js';
import { runQuickly } from './run-quickly.js';

export const ctrRun: Benchmark = {
  name: 'ctr-run',
  title: 'ctr run --rm --rootfs DIR ID /bin/true, one after the other',
  run: async (context) =>
    await withDaemons(async (daemons) => {
      const { berth } = daemons;
      const bare = await BareRunc.create(berth.path('bare'), berth.rootfs, berth.namespace);
      const floor = {
        name: 'runc create + start + delete',
        work: async () => await timed(async () => await bare.run()),
      };
      const work = async (daemon: TestDaemon, round: number) =>
        await timed(async () => await runTrue(daemon, `b${round + 1000}`));
      const figures = await compare(context, { usual: 20, warmUps: 3 }, daemons, work, floor);
      return [{ group: '1', name: '`ctr run --rm` of `true`', unit: 'ms', target: { ratio: 0.8 }, ...figures }];
    }),
};

async function runTrue(daemon: TestDaemon, id: string): Promise<void> {
  const [file = '', ...args] = daemon.ctrCommand(['run', '--rm', '--rootfs', daemon.rootfs, id, '/bin/true']);
  await runQuickly(file, args);
}
