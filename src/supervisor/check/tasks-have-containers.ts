// Every task belongs to a container record.
import { keyString } from '../../domain/ids.js';
import type { Invariant } from './invariant.js';

export const tasksHaveContainers: Invariant = {
  name: 'tasks-have-containers',
  async *examine({ store, tasks }) {
    for (const { record } of tasks.list()) {
      if ((await store.containers.get(record)) !== undefined) yield undefined;
      else {
        const message = 'the task has no container record';
        yield { object: keyString(record), message, remedy: 'stop and delete the task' };
      }
    }
  },
};
