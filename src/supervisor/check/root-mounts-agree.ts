// What shows containers on the host and what is on record of it agree.
import { type ContainerKey, keyString } from '../../domain/ids.js';
import { isMountedBelow } from '../../linux/mount.js';
import { removeMountPoint } from '../storage/mount-container.js';
import { rootMountPath } from '../storage/root-view.js';
import { listMountPoints } from '../storage/settle-root-mounts.js';
import type { Supervisor } from '../supervisor.js';
import type { Invariant, Problem } from './invariant.js';

export const rootMountsAgree: Invariant = {
  name: 'root-mounts-agree',
  async *examine(supervisor) {
    const keys = new Map<string, ContainerKey>();
    for (const key of listMountPoints(supervisor)) keys.set(keyString(key), key);
    for await (const record of supervisor.store.rootMounts.list()) keys.set(keyString(record), record);
    // Looked at in the container's own queue, so that no mount comes in between.
    for (const key of keys.values()) yield await supervisor.queue.run(keyString(key), () => problemOf(supervisor, key));
  },
};

async function problemOf(supervisor: Supervisor, key: ContainerKey): Promise<Problem | undefined> {
  const { store } = supervisor;
  const path = rootMountPath(supervisor, key);
  const isOnRecord = (await store.rootMounts.get(key)) !== undefined;
  if (isOnRecord === isMountedBelow(path)) return undefined;
  if (!isOnRecord) {
    const repair = () => removeMountPoint(path);
    const message = 'the mount is on no record';
    return { object: path, message, remedy: 'berth check --repair unmounts it', repair };
  }
  return {
    object: keyString(key),
    message: 'the container is on record as mounted, and is not',
    remedy: 'berth check --repair forgets the mount',
    repair: async () => {
      await store.commit([store.rootMounts.remove(key)]);
    },
  };
}
