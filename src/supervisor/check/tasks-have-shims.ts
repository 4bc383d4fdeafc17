// Every task that has not ended has one shim, alive and connected.
import { keyString } from '../../domain/ids.js';
import { readProcessStat } from '../../linux/process-info.js';
import type { Invariant } from './invariant.js';

export const tasksHaveShims: Invariant = {
  name: 'tasks-have-shims',
  async *examine({ tasks }) {
    for (const task of tasks.list()) {
      if (task.record.init.state === 'stopped') continue;
      await task.reaching;
      const { pid } = task.record.shim;
      const object = keyString(task.record);
      const remedy = 'berthd goes on trying, and its log says what is in the way';
      if (task.shim === undefined) yield { object, message: `the shim (pid ${pid}) is out of reach`, remedy };
      else if (readProcessStat(pid) === undefined) yield { object, message: `no process ${pid} serves it`, remedy };
      else yield undefined;
    }
  },
};
