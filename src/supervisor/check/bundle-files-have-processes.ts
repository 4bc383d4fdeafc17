// A bundle has no socket and no FIFO that nothing owns: its shim's sockets go with that shim, console sockets with the start
// that made them. The FIFOs of streams are their clients'; `berth` keeps its own beside the daemon's socket while it runs.
import { readFileSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keyString } from '../../domain/ids.js';
import type { LiveTask } from '../live-tasks.js';
import type { Supervisor } from '../supervisor.js';
import type { Invariant, Problem } from './invariant.js';

/** Through which somebody else's shim tells its log. */
const foreignLog = 'log';

export const bundleFilesHaveProcesses: Invariant = {
  name: 'bundle-files-have-processes',
  async *examine(supervisor) {
    for (const task of supervisor.tasks.list()) {
      // In the task's queue, so that no start or adoption is judged half-way.
      const problems = await supervisor.queue.run(keyString(task.record), () => problemsOf(supervisor, task));
      if (problems.length === 0) yield undefined;
      yield* problems;
    }
  },
};

async function problemsOf({ tasks }: Supervisor, task: LiveTask): Promise<Problem[]> {
  // A start does not take the queue, and makes a console socket; without a shim, what it left goes with the task.
  if (tasks.find(task.record) !== task || task.starting.size > 0 || task.shim === undefined) return [];
  const { bundle } = task.record;
  const names = await readdir(bundle).catch(() => []);
  const problems: Problem[] = [];
  for (const name of names) {
    const path = join(bundle, name);
    const kind = await kindOf(path);
    if (kind === undefined || (kind === 'socket' && isListenedTo(path, name))) continue;
    if (kind === 'FIFO' && (name === foreignLog || isStream(task, path))) continue;
    problems.push({
      object: path,
      message: `nobody owns the ${kind}`,
      remedy: 'berth check --repair removes it',
      repair: () => rm(path, { force: true }),
    });
  }
  return problems;
}

async function kindOf(path: string): Promise<'socket' | 'FIFO' | undefined> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat?.isSocket() === true) return 'socket';
  return stat?.isFIFO() === true ? 'FIFO' : undefined;
}

/** A shim binds inside of its bundle, by the bare name. */
function isListenedTo(path: string, name: string): boolean {
  const sockets = readFileSync('/proc/net/unix', 'utf8').split('\n');
  return sockets.some((line) => line.endsWith(` ${path}`) || line.endsWith(` ${name}`));
}

function isStream({ record }: LiveTask, path: string): boolean {
  return [record.init, ...Object.values(record.execs)].some(({ stdio }) =>
    [stdio.stdin, stdio.stdout, stdio.stderr].some((uri) => uri === path || uri === `fifo://${path}`),
  );
}
