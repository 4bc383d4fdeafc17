// Every bundle belongs to a task.
import { keyString } from '../../domain/ids.js';
import { listBundles } from '../../shims/bundle.js';
import { removeLeftover } from '../remove-leftover.js';
import type { Invariant } from './invariant.js';

export const bundlesHaveTasks: Invariant = {
  name: 'bundles-have-tasks',
  async *examine(supervisor) {
    const { queue, tasks, stateDirectory } = supervisor;
    for (const { key, bundle } of await listBundles(stateDirectory)) {
      // A task that is being created has a bundle before it has a record.
      const owned = await queue.run(keyString(key), async () => tasks.find(key) !== undefined);
      if (owned) yield undefined;
      else {
        yield {
          object: bundle,
          message: 'the bundle belongs to no task',
          remedy: 'berth check --repair',
          repair: () => queue.run(keyString(key), () => removeLeftover(supervisor, key)),
        };
      }
    }
  },
};
