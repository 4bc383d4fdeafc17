// What the OCI runtime keeps below our root belongs to tasks.
import { join } from 'node:path';
import { keyString } from '../../domain/ids.js';
import { removeLeftover } from '../remove-leftover.js';
import { runtimeStates } from '../runtime-state.js';
import type { Invariant } from './invariant.js';

export const runtimeStateHasTasks: Invariant = {
  name: 'runtime-state-has-tasks',
  async *examine(supervisor) {
    const { queue, tasks } = supervisor;
    for await (const remains of runtimeStates(supervisor)) {
      const isLeft = await queue.run(keyString(remains), async () => tasks.find(remains) === undefined);
      if (!isLeft) {
        yield undefined;
        continue;
      }
      yield {
        object: join(remains.runtime.root, remains.id),
        message: 'the runtime knows a container that is no task',
        remedy: 'berth check --repair deletes it',
        repair: () => queue.run(keyString(remains), () => removeLeftover(supervisor, remains)),
      };
    }
  },
};
