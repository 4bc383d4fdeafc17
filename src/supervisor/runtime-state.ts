// What is left of a container when its shim is gone: the runtime's state, deleted from here.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Runc } from '../runc/runc.js';
import { spawnByNode } from '../runc/spawn-program.js';
import { bundlePath } from '../shims/bundle.js';
import type { ContainerRemains } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

/** Whatever the runtime knows below Berth's own root, be it a task or not. */
export async function* runtimeStates({ runtime, stateDirectory }: Supervisor): AsyncGenerator<ContainerRemains> {
  for (const namespace of await entries(runtime.root)) {
    const root = join(runtime.root, namespace);
    for (const id of await entries(root)) {
      const key = { namespace, id };
      yield { ...key, bundle: bundlePath(stateDirectory, key), runtime: { binary: runtime.binary, root } };
    }
  }
}

/** A runtime keeps what it knows of a container in a directory of its name, from before it makes it until it is deleted. */
export function isKnownToRuntime({ id, runtime }: Omit<ContainerRemains, 'namespace'>): boolean {
  return existsSync(join(runtime.root, id));
}

/**
 * What a deletion that failed has left below Berth's own root, and that would keep the name taken. Must run in the container's
 * queue, when it has no task.
 */
export async function deleteStaleState(supervisor: Supervisor, remains: ContainerRemains): Promise<void> {
  const { root } = remains.runtime;
  if (dirname(root) !== supervisor.runtime.root || !isKnownToRuntime(remains)) return;
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

async function entries(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}
