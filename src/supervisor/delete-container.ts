// Forgets a container that has no task, with its metadata and its directories.
import { failpoint } from '../base/failpoint.js';
import { BerthError } from '../domain/errors.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import { containerDeleted } from './event-drafts.js';
import { getContainer } from './get-container.js';
import { removeDirectories } from './storage/container-directories.js';
import { metadataRemovals } from './storage/metadata.js';
import { refuseMounted } from './storage/mount-container.js';
import type { Supervisor } from './supervisor.js';

export function deleteContainer(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  const { store, tasks, queue, images } = supervisor;
  return queue.run(keyString(key), async () => {
    await getContainer(supervisor, key);
    if (tasks.find(key) !== undefined) {
      throw new BerthError('failed-precondition', `container ${key.id} has a task: delete the task first`, {
        subject: { namespace: key.namespace, containerId: key.id },
      });
    }
    await refuseMounted(supervisor, key);
    const metadata = await metadataRemovals(store, key);
    await store.references.shared(async () => {
      await store.commit([store.containers.remove(key), ...metadata], [containerDeleted(key)]);
    });
    failpoint('container-deleted');
    await removeDirectories(supervisor, key);
    // Its snapshot may have been kept by it alone.
    images.garbage.schedule();
  });
}
