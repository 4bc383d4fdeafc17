// Every work and run directory belongs to a container.
import { keyString } from '../../domain/ids.js';
import { listContainerDirectories, removeDirectory } from '../storage/container-directories.js';
import type { Invariant } from './invariant.js';

export const directoriesHaveContainers: Invariant = {
  name: 'directories-have-containers',
  async *examine(supervisor) {
    const { store, queue } = supervisor;
    for (const { key, path } of await listContainerDirectories(supervisor)) {
      // A deletion that is under way takes the record first.
      const isOwned = await queue.run(keyString(key), async () => (await store.containers.get(key)) !== undefined);
      yield isOwned
        ? undefined
        : {
            object: path,
            message: 'the directory belongs to no container',
            remedy: 'berth check --repair removes it',
            repair: () => removeDirectory(supervisor, path),
          };
    }
  },
};
