// (3) exec of `true` in a running container, alone and thirty at once: exec + start + wait + delete.
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { removeContainer } from '../helpers/containers.js';
import type { TestDaemon } from '../helpers/daemon.js';
import { eachOf, startIdle } from './containers.js';
import { type Benchmark, compare, withDaemons } from './context.js';
import { timed } from './rounds.js';

const crowd = 30;
/** containerd 1.6 takes long for a crowd. */
const limitMs = 60_000;
const id = 'exec';
const spec = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  value: Buffer.from(JSON.stringify({ args: ['/bin/true'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } })),
};

export const exec: Benchmark = {
  name: 'exec',
  title: `exec + start + wait + delete of \`true\` in a running container, alone and ${crowd} at once`,
  run: async (context) =>
    await withDaemons(async (daemons) => {
      const all = [daemons.berth, daemons.containerd];
      for (const daemon of all) await startIdle(daemon, id);
      const alone = async (daemon: TestDaemon, round: number) =>
        await timed(async () => await execTrue(daemon, `e${round + 1000}`));
      const together = async (daemon: TestDaemon, round: number) => {
        const names = Array.from({ length: crowd }, (_empty, index) => `c${round + 1000}-${index}`);
        return await timed(async () => await eachOf(names, crowd, async (name) => await execTrue(daemon, name)));
      };
      const one = await compare(context, { usual: 30, warmUps: 3 }, daemons, alone);
      const many = await compare(context, { usual: 4, warmUps: 1 }, daemons, together);
      for (const daemon of all) await removeContainer(daemon, id);
      return [
        { group: '3', name: 'exec of `true`, alone', unit: 'ms', target: { ratio: 0.9 }, ...one },
        { group: '3', name: `exec of \`true\`, all of ${crowd} at once`, unit: 'ms', target: { ratio: 0.9 }, ...many },
      ];
    }),
};

async function execTrue(daemon: TestDaemon, execId: string): Promise<void> {
  const process = { containerId: id, execId };
  await daemon.call(
    TasksService.exec,
    { ...process, stdin: '', stdout: '', stderr: '', terminal: false, spec },
    { limitMs },
  );
  const exit = daemon.call(TasksService.wait, process, { limitMs });
  exit.catch(() => undefined);
  await daemon.call(TasksService.start, process, { limitMs });
  const { exitStatus } = await exit;
  if (exitStatus !== 0) throw new Error(`${execId} ended with ${exitStatus}`);
  await daemon.call(TasksService.deleteProcess, process, { limitMs });
}
