// The ends that nobody is told of: a shim that hangs when its container ends says nothing, and nobody may ever call it.
// The kernel knows that init has ended; a shim that has not said so by the second look is asked whether it is there.
import { readProcessStat } from '../linux/process-info.js';
import type { LiveTask } from './live-tasks.js';
import { question } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';

/** A shim tells an end at once, and waits at most ten seconds for those of the execs. */
const lookIntervalMs = 5000;

export function watchEnds(supervisor: Supervisor): NodeJS.Timeout {
  let before = new Set<LiveTask>();
  return setInterval(() => {
    const ended = new Set(supervisor.tasks.list().filter(hasEndedUntold));
    for (const task of ended) {
      if (before.has(task) && task.shim !== undefined) void question(supervisor, task, task.shim);
    }
    before = ended;
  }, lookIntervalMs);
}

function hasEndedUntold({ record }: LiveTask): boolean {
  const { init, initStartTime } = record;
  if (init.state === 'stopped' || init.pid === 0) return false;
  const stat = readProcessStat(init.pid);
  return stat === undefined || stat.state === 'Z' || stat.startTime !== initStartTime;
}
