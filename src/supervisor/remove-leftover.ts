// Removes a bundle that no record owns, with what still serves or runs in it: a creation that a crash cut short, whose
// client was never answered.
import { join } from 'node:path';
import type { ContainerKey } from '../domain/ids.js';
import { bundlePath, removeBundle } from '../shims/bundle.js';
import { Shim } from '../shims/shim.js';
import { deleteRuntimeState } from './runtime-state.js';
import { shutdownShim } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';

/** Must run in the container's queue. */
export async function removeLeftover(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  const { stateDirectory, runtime, log, tasks } = supervisor;
  if (tasks.find(key) !== undefined) return;
  const bundle = bundlePath(stateDirectory, key);
  log.warn('a half-created task is removed', { namespace: key.namespace, containerId: key.id });
  const shim = await Shim.connect(bundle).catch(() => undefined);
  const location = { binary: runtime.binary, root: join(runtime.root, key.namespace) };
  await deleteRuntimeState(supervisor, { id: key.id, bundle, runtime: location });
  if (shim !== undefined) await shutdownShim(supervisor, shim, key, bundle);
  await removeBundle(bundle);
}
