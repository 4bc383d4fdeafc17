// What is left of a container when its shim is gone: the runtime's state, deleted from here.
import { existsSync } from 'node:fs';
import { Runc } from '../runc/runc.js';
import type { ContainerRemains } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

/** Idempotent; kills what may still run in the container. */
export async function deleteRuntimeState(
  { stateDirectory, orphans }: Supervisor,
  { id, bundle, runtime }: Omit<ContainerRemains, 'namespace'>,
): Promise<void> {
  const { binary, root } = runtime;
  const directory = existsSync(bundle) ? bundle : stateDirectory;
  await new Runc({ binary, root, directory, systemdCgroup: false, onSpawn: orphans.leaveToLibuv }).delete(id, true);
}
