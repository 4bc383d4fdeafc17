// Removes what a creation has left that was cut short, by a failure or by a crash: its client was never answered.
import { join } from 'node:path';
import { failpoint } from '../base/failpoint.js';
import type { ContainerKey } from '../domain/ids.js';
import { bundlePath, bundleRuntime, bundleShimPid, removeBundle } from '../shims/bundle.js';
import { Shim } from '../shims/shim.js';
import { killShimRemains } from '../shims/shim-remains.js';
import { type ContainerRemains, deleteRuntimeState } from './runtime-state.js';
import { shutdownShim } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';

/** A bundle that no record owns, with what still serves or runs in it. Must run in the container's queue. */
export async function removeLeftover(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  const { stateDirectory, runtime, log, tasks } = supervisor;
  if (tasks.find(key) !== undefined) return;
  const bundle = bundlePath(stateDirectory, key);
  log.warn('a half-created task is removed', { namespace: key.namespace, containerId: key.id });
  const shim = await Shim.connect(bundle).catch(() => undefined);
  if (shim !== undefined) await shutdownShim(supervisor, shim, key, bundle);
  const location = (await bundleRuntime(bundle)) ?? { binary: runtime.binary, root: join(runtime.root, key.namespace) };
  await removeHalfCreated(supervisor, { id: key.id, bundle, runtime: location });
}

/** The bundle, and the container if the runtime got to make one; its shim has ended. */
export async function removeHalfCreated(supervisor: Supervisor, remains: ContainerRemains): Promise<void> {
  const shimPid = await bundleShimPid(remains.bundle);
  await killShimRemains(remains.bundle, shimPid);
  // Without a shim that served nobody can have asked the runtime for anything.
  if (shimPid !== undefined) await deleteContainer(supervisor, remains);
  failpoint('recover.leftover-deleted');
  await removeBundle(remains.bundle);
}

/** A runtime that cannot even be run has made nothing; one that fails leaves something for `berth check` to find. */
async function deleteContainer(supervisor: Supervisor, remains: ContainerRemains): Promise<void> {
  try {
    await deleteRuntimeState(supervisor, remains);
  } catch (error) {
    supervisor.log.warn('a half-created container could not be deleted', { containerId: remains.id, error });
  }
}
