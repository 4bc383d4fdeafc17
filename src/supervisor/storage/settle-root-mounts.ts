// At the daemon's start: mounts on the host and their records agree again, whatever a crash, a reboot or somebody's hand
// has done.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ContainerKey, keyString } from '../../domain/ids.js';
import { isMountedBelow } from '../../linux/mount.js';
import type { Supervisor } from '../supervisor.js';
import { removeMountPoint } from './mount-container.js';
import { rootMountPath, rootMountsDirectory } from './root-view.js';

export async function settleRootMounts(supervisor: Supervisor): Promise<void> {
  const { store, log } = supervisor;
  for await (const record of store.rootMounts.list()) {
    if (isMountedBelow(rootMountPath(supervisor, record))) continue;
    log.info('a container that was mounted on the host is so no more', { container: keyString(record) });
    await store.commit([store.rootMounts.remove(record)]);
  }
  for (const key of listMountPoints(supervisor)) {
    if ((await store.rootMounts.get(key)) !== undefined) continue;
    log.info('removing a mount that was left behind', { container: keyString(key) });
    try {
      removeMountPoint(rootMountPath(supervisor, key));
    } catch (error) {
      log.warn('a mount that was left behind cannot be removed', { container: keyString(key), error });
    }
  }
}

/** Every mount point there is, mounted or not. */
export function listMountPoints({ stateDirectory }: Supervisor): ContainerKey[] {
  const root = rootMountsDirectory(stateDirectory);
  return directoriesIn(root).flatMap((namespace) =>
    directoriesIn(join(root, namespace)).map((id) => ({ namespace, id })),
  );
}

function directoriesIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}
