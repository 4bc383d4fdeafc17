// Removes what a creation has left that was cut short, by a failure or by a crash: its client was never answered.
import { join } from 'node:path';
import { failpoint } from '../base/failpoint.js';
import type { ContainerKey } from '../domain/ids.js';
import { bundlePath, bundleRuntime, removeBundle } from '../shims/bundle.js';
import { type ContainerRemains, shimKindOf } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

/** A bundle that no record owns, with what still serves or runs in it. Must run in the container's queue. */
export async function removeLeftover(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  const { stateDirectory, runtime, log, tasks } = supervisor;
  if (tasks.find(key) !== undefined) return;
  const bundle = bundlePath(stateDirectory, key);
  log.warn('a half-created task is removed', { namespace: key.namespace, containerId: key.id });
  const location = (await bundleRuntime(bundle)) ?? { binary: runtime.binary, root: join(runtime.root, key.namespace) };
  const remains = { ...key, bundle, runtime: location };
  await shimKindOf(supervisor, location).dismiss(supervisor, remains);
  await removeHalfCreated(supervisor, remains);
}

/** The bundle, and the container if the runtime got to make one; its shim has ended. */
export async function removeHalfCreated(supervisor: Supervisor, remains: ContainerRemains): Promise<void> {
  await shimKindOf(supervisor, remains.runtime).clear(supervisor, remains);
  failpoint('recover.leftover-deleted');
  await removeBundle(remains.bundle);
}
