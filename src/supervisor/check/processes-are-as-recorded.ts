// What is recorded as running runs, and what is recorded as ended has ended.
import { keyString } from '../../domain/ids.js';
import { readProcessStat } from '../../linux/process-info.js';
import type { Invariant } from './invariant.js';

export const processesAreAsRecorded: Invariant = {
  name: 'processes-are-as-recorded',
  async *examine({ tasks, queue }) {
    for (const task of tasks.list()) {
      // In the task's own queue, so that an exit on its way is in the record first.
      yield await queue.run(keyString(task.record), async () => {
        const { init, initStartTime } = task.record;
        const stat = readProcessStat(init.pid);
        const alive = stat?.startTime === initStartTime && stat.state !== 'Z';
        if (alive !== (init.state === 'stopped') || tasks.find(task.record) !== task || init.pid === 0)
          return undefined;
        const message = alive
          ? `process ${init.pid} runs, and is recorded as ended`
          : `process ${init.pid} is gone, and is recorded as ${init.state}`;
        return { object: keyString(task.record), message, remedy: 'restart berthd: recovery settles it' };
      });
    }
  },
};
