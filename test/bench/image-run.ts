// `ctr run --rm IMAGE true`: the same as (1) with a snapshot as its root filesystem.
import type { TestDaemon } from '../helpers/daemon.js';
import { type Benchmark, compare, withDaemons } from './context.js';
import { withBusyboxImage } from './many-files-image.js';
import { timed } from './rounds.js';
import { runQuickly } from './run-quickly.js';

export const imageRun: Benchmark = {
  name: 'image-run',
  title: '`ctr run --rm IMAGE ID /bin/true`, one after the other',
  run: async (context) =>
    await withBusyboxImage(
      async (reference) =>
        await withDaemons(async (daemons) => {
          const ctr = async (daemon: TestDaemon, args: readonly string[]) => {
            const [file = '', ...rest] = daemon.ctrCommand(args);
            await runQuickly(file, rest);
          };
          const all = [daemons.berth, daemons.containerd];
          for (const daemon of all) await ctr(daemon, ['image', 'pull', '--plain-http', reference]);
          const work = async (daemon: TestDaemon, round: number) =>
            await timed(async () => await ctr(daemon, ['run', '--rm', reference, `i${round + 1000}`, '/bin/true']));
          const figures = await compare(context, { usual: 15, warmUps: 3 }, daemons, work);
          for (const daemon of all) await ctr(daemon, ['image', 'rm', '--sync', reference]);
          return [
            { group: 'images', name: '`ctr run --rm IMAGE true`', unit: 'ms', target: { ratio: 0.8 }, ...figures },
          ];
        }),
    ),
};
