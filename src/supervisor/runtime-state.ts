// What is left of a container when its shim is gone: the runtime's state, deleted from here.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Runc } from '../runc/runc.js';
import { spawnByNode } from '../runc/spawn-program.js';
import type { ContainerRemains } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

/**
 * What a deletion that failed has left below Berth's own root, and that would keep the name taken. Must run in the container's
 * queue, when it has no task.
 */
export async function deleteStaleState(supervisor: Supervisor, remains: ContainerRemains): Promise<void> {
  const { root } = remains.runtime;
  if (dirname(root) !== supervisor.runtime.root || !existsSync(join(root, remains.id))) return;
  supervisor.log.warn('what the runtime still knows of a container without a task is deleted', {
    containerId: remains.id,
  });
  await deleteRuntimeState(supervisor, remains);
}

/** Idempotent; kills what may still run in the container. */
export async function deleteRuntimeState(
  { stateDirectory, orphans }: Supervisor,
  { id, bundle, runtime }: Omit<ContainerRemains, 'namespace'>,
): Promise<void> {
  const { binary, root } = runtime;
  const directory = existsSync(bundle) ? bundle : stateDirectory;
  const spawn = spawnByNode(orphans.leaveToLibuv);
  // The next daemon may make another container of this name, which a deletion that lived on would take away.
  const runc = new Runc({ binary, root, directory, systemdCgroup: false, spawn, diesWithParent: true });
  await runc.delete(id, true);
}
