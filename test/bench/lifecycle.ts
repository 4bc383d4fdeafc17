// (2) create + start + wait + delete, one, eight and thirty-two at a time: containers per second.
import type { TestDaemon } from '../helpers/daemon.js';
import { BareRunc } from './bare-runc.js';
import { eachOf, liveOnce } from './containers.js';
import { type Benchmark, compare, type Context, type Daemons, withDaemons } from './context.js';
import type { Measurement } from './measurement.js';
import { timed } from './rounds.js';

const widths = [
  { width: 1, containers: 8, target: undefined },
  { width: 8, containers: 24, target: { ratio: 1.3 } },
  { width: 32, containers: 64, target: { ratio: 1.3 } },
] as const;

export const lifecycle: Benchmark = {
  name: 'lifecycle',
  title: 'create + start + wait + delete of `true` through gRPC, 1, 8 and 32 at once',
  run: async (context) =>
    await withDaemons(async (daemons) => {
      const { berth } = daemons;
      const bare = await BareRunc.create(berth.path('bare'), berth.rootfs, berth.namespace);
      const measured: Measurement[] = [];
      for (const { width, containers, target } of widths) {
        const count = context.size(containers, Math.max(4, width));
        const figures = await measure(context, daemons, bare, width, count);
        const name = `create + start + wait + delete, ${width} at once`;
        measured.push({ group: '2', name, unit: '/s', ...(target && { target }), ...figures });
      }
      return measured;
    }),
};

async function measure(context: Context, daemons: Daemons, bare: BareRunc, width: number, count: number) {
  const ids = Array.from({ length: count }, (_empty, index) => index);
  const perSecond = async (one: (index: number) => Promise<void>) =>
    (1000 * count) / (await timed(async () => await eachOf(ids, width, one)));
  const work = async (daemon: TestDaemon, round: number) =>
    await perSecond(async (index) => await liveOnce(daemon, `w${width}-${round + 1000}-${index}`, ['/bin/true']));
  const floor = {
    name: 'runc create + start + delete',
    work: async () => await perSecond(async () => await bare.run()),
  };
  return await compare(context, { usual: 4, warmUps: 1 }, daemons, work, floor);
}
