// What the OCI runtime keeps below our root belongs to tasks.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { keyString } from '../../domain/ids.js';
import { deleteRuntimeState } from '../runtime-state.js';
import type { Supervisor } from '../supervisor.js';
import type { Invariant } from './invariant.js';

export const runtimeStateHasTasks: Invariant = {
  name: 'runtime-state-has-tasks',
  async *examine(supervisor) {
    const { runtime, queue, tasks, stateDirectory } = supervisor;
    for (const namespace of await entries(runtime.root)) {
      const root = join(runtime.root, namespace);
      for (const id of await entries(root)) {
        const key = { namespace, id };
        const isLeft = (): boolean => tasks.find(key) === undefined;
        if (!(await queue.run(keyString(key), async () => isLeft()))) {
          yield undefined;
          continue;
        }
        const leftover = { id, bundle: stateDirectory, runtime: { binary: runtime.binary, root } };
        yield {
          object: join(root, id),
          message: 'the runtime knows a container that is no task',
          remedy: 'berth check --repair deletes it',
          repair: () => queue.run(keyString(key), () => deleteIf(isLeft, supervisor, leftover)),
        };
      }
    }
  },
};

async function deleteIf(
  isLeft: () => boolean,
  supervisor: Supervisor,
  leftover: Parameters<typeof deleteRuntimeState>[1],
): Promise<void> {
  if (isLeft()) await deleteRuntimeState(supervisor, leftover);
}

async function entries(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}
