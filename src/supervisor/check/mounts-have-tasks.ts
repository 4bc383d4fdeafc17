// Every mount below the state directory belongs to a task.
import { join } from 'node:path';
import { mountPointsBelow, unmountBelow } from '../../linux/mount.js';
import type { Supervisor } from '../supervisor.js';
import type { Invariant } from './invariant.js';

export const mountsHaveTasks: Invariant = {
  name: 'mounts-have-tasks',
  async *examine(supervisor) {
    for (const point of mountPointsBelow(join(supervisor.stateDirectory, 'tasks'))) {
      await supervisor.queue.idle();
      if (belongsToTask(supervisor, point) || !mountPointsBelow(point).includes(point)) yield undefined;
      else {
        yield {
          object: point,
          message: 'the mount belongs to no task',
          remedy: 'berth check --repair unmounts it',
          repair: () => void unmountBelow(point),
        };
      }
    }
  },
};

function belongsToTask({ tasks }: Supervisor, point: string): boolean {
  return tasks.list().some(({ record }) => point === record.bundle || point.startsWith(`${record.bundle}/`));
}
