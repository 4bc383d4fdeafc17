// Forgets a container that has no task.
import { BerthError } from '../domain/errors.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import { containerDeleted } from './event-drafts.js';
import { getContainer } from './get-container.js';
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
    await store.references.shared(async () => {
      await store.commit([store.containers.remove(key)], [containerDeleted(key)]);
    });
    // Its snapshot may have been kept by it alone.
    images.garbage.schedule();
  });
}
