// At the daemon's start: every recorded task is connected to its shim again, all at once, and bundles that no record
// owns are removed with whatever still serves them.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ContainerKey, isValidId, keyString } from '../domain/ids.js';
import { bundlePath, removeBundle } from '../shims/bundle.js';
import { Shim } from '../shims/shim.js';
import { LiveTask } from './live-tasks.js';
import { deleteRuntimeState } from './runtime-state.js';
import { shutdownShim } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { watchInBackground } from './watch-shim.js';

/** Returns when all of it is under way: calls for one container wait for that container's recovery alone. */
export async function recover(supervisor: Supervisor): Promise<void> {
  for await (const record of supervisor.store.tasks.list()) {
    const task = new LiveTask(record, undefined);
    supervisor.tasks.add(task);
    watchInBackground(supervisor, task);
  }
  for (const key of await bundles(supervisor.stateDirectory)) {
    if (supervisor.tasks.find(key) === undefined) removeInBackground(supervisor, key);
  }
}

function removeInBackground(supervisor: Supervisor, key: ContainerKey): void {
  const removal = supervisor.queue.run(keyString(key), () => removeLeftover(supervisor, key));
  removal.catch((error: unknown) => {
    supervisor.log.error('a half-created task could not be removed', { task: keyString(key), error });
  });
}

/** A creation that a crash cut short: its client was never answered. */
async function removeLeftover(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  const { stateDirectory, runtime, log } = supervisor;
  const bundle = bundlePath(stateDirectory, key);
  log.warn('a half-created task is removed', { namespace: key.namespace, containerId: key.id });
  const shim = await Shim.connect(bundle).catch(() => undefined);
  const location = { binary: runtime.binary, root: join(runtime.root, key.namespace) };
  await deleteRuntimeState(supervisor, { id: key.id, bundle, runtime: location });
  if (shim !== undefined) await shutdownShim(supervisor, shim, key);
  await removeBundle(bundle);
}

async function bundles(stateDirectory: string): Promise<ContainerKey[]> {
  const found: ContainerKey[] = [];
  for (const namespace of await directories(join(stateDirectory, 'tasks'))) {
    for (const id of await directories(join(stateDirectory, 'tasks', namespace))) {
      if (isValidId(id)) found.push({ namespace, id });
    }
  }
  return found;
}

async function directories(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
