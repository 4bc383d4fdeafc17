// What the runtime knows of containers, asked and deleted from here, where no shim does.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { directoriesIn } from '../base/directories-in.js';
import { type ContainerState, containerState } from '../runc/container-state.js';
import { Runc } from '../runc/runc.js';
import { spawnByNode } from '../runc/spawn-program.js';
import { bundlePath, refuseLink } from '../shims/bundle.js';
import type { ContainerRemains } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

type RuntimeRemains = Omit<ContainerRemains, 'namespace'>;

/** Whatever the runtime knows below Berth's own root, be it a task or not. */
export async function* runtimeStates({ runtime, stateDirectory }: Supervisor): AsyncGenerator<ContainerRemains> {
  for (const namespace of await directoriesIn(runtime.root)) {
    const root = join(runtime.root, namespace);
    for (const id of await directoriesIn(root)) {
      const key = { namespace, id };
      yield { ...key, bundle: bundlePath(stateDirectory, key), runtime: { binary: runtime.binary, root } };
    }
  }
}

/** A runtime keeps what it knows of a container in a directory of its name, from before it makes it until it is deleted. */
export function isKnownToRuntime({ id, runtime }: RuntimeRemains): boolean {
  return existsSync(join(runtime.root, id));
}

/** A runtime that cannot even be run has made nothing, and its failure to delete that is none. */
export async function deleteIfMade(
  { log }: Supervisor,
  remains: ContainerRemains,
  deletion: () => Promise<unknown>,
): Promise<void> {
  try {
    await deletion();
  } catch (error) {
    if (isKnownToRuntime(remains)) throw error;
    log.warn('the runtime cannot delete what it has not made', { containerId: remains.id, error });
  }
}

/**
 * What a deletion that failed has left below Berth's own root, and that would keep the name taken. Must run in the container's
 * queue, when it has no task.
 */
export async function deleteStaleState(supervisor: Supervisor, remains: ContainerRemains): Promise<void> {
  const { root } = remains.runtime;
  if (dirname(root) !== supervisor.runtime.root) return;
  refuseLink(root);
  if (!isKnownToRuntime(remains)) return;
  supervisor.log.warn('what the runtime still knows of a container without a task is deleted', {
    containerId: remains.id,
  });
  await deleteRuntimeState(supervisor, remains);
}

/** Idempotent; kills what may still run in the container. */
export async function deleteRuntimeState(supervisor: Supervisor, remains: RuntimeRemains): Promise<void> {
  // The next daemon may make another container of this name, which a deletion that lived on would take away.
  const runc = new Runc({ ...runtimeCalls(supervisor, remains), diesWithParent: true });
  await runc.delete(remains.id, true);
}

/** What the runtime says of the container; a text where it has nothing to say. */
export async function askRuntime(supervisor: Supervisor, remains: RuntimeRemains): Promise<ContainerState | string> {
  return await containerState(runtimeCalls(supervisor, remains), remains.id);
}

function runtimeCalls({ stateDirectory, orphans }: Supervisor, { bundle, runtime }: RuntimeRemains) {
  const { binary, root } = runtime;
  const directory = existsSync(bundle) ? bundle : stateDirectory;
  return { binary, root, directory, systemdCgroup: false, spawn: spawnByNode(orphans.leaveToLibuv) };
}
