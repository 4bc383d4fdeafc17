// Removes what a creation has left that was cut short, by a failure or by a crash, and what a deletion that failed has: no
// record owns it, and no client will ask for it again. The bundle goes last, so that what is left can be found.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '../base/failpoint.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import type { RuntimeLocation } from '../domain/records.js';
import { bundlePath, bundleRuntime, removeBundle } from '../shims/bundle.js';
import { deleteStaleState } from './runtime-state.js';
import { type ContainerRemains, shimKindOf } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';

/** The first attempts follow each other quickly, all of them last about ten minutes; then it is up to a person. */
const maxAttempts = 16;
const firstPauseMs = 100;
const longestPauseMs = 60_000;

/**
 * A bundle that no record owns, with what still serves or runs in it, and what the runtime knows of the container beyond
 * that. Must run in the container's queue. Whatever fails is left as it is.
 */
export async function removeLeftover(
  supervisor: Supervisor,
  key: ContainerKey,
  runtime: Omit<RuntimeLocation, 'options'> = defaultLocation(supervisor, key),
): Promise<void> {
  const { stateDirectory, log, tasks } = supervisor;
  if (tasks.find(key) !== undefined) return;
  const bundle = bundlePath(stateDirectory, key);
  if (existsSync(bundle)) {
    log.warn('a half-created task is removed', { namespace: key.namespace, containerId: key.id });
    const remains = { ...key, bundle, runtime: (await bundleRuntime(bundle)) ?? runtime };
    await shimKindOf(supervisor, remains.runtime).dismiss(supervisor, remains);
    await removeHalfCreated(supervisor, remains);
  }
  await deleteStaleState(supervisor, { ...key, bundle, runtime });
}

/** Never rejects: what cannot be removed now is tried again, as long as the daemon runs. */
export async function removeLeftoverInTime(supervisor: Supervisor, key: ContainerKey): Promise<void> {
  const { queue, log, closing } = supervisor;
  const fields = { namespace: key.namespace, containerId: key.id };
  let pauseMs = firstPauseMs;
  for (let attempt = 1; attempt <= maxAttempts && !closing.aborted; attempt++) {
    try {
      return await queue.run(keyString(key), () => removeLeftover(supervisor, key));
    } catch (error) {
      log.error('what is left of a half-created task could not be removed yet', { ...fields, attempt, error });
    }
    // A daemon that ends leaves it to the next one.
    await sleep(pauseMs, undefined, { ref: false });
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

/** Of a creation that has failed, and whose shim has ended. Never rejects: its failure is the one to tell. */
export async function undoCreation(supervisor: Supervisor, remains: ContainerRemains): Promise<void> {
  const { namespace, id } = remains;
  try {
    await removeHalfCreated(supervisor, remains);
  } catch (error) {
    supervisor.log.warn('a half-created task could not be removed at once', { namespace, containerId: id, error });
    void removeLeftoverInTime(supervisor, remains);
  }
}

/** The container if the runtime got to make one, and the bundle; its shim has ended. */
async function removeHalfCreated(supervisor: Supervisor, remains: ContainerRemains): Promise<void> {
  await shimKindOf(supervisor, remains.runtime).clear(supervisor, remains);
  failpoint('recover.leftover-deleted');
  await removeBundle(remains.bundle);
}

function defaultLocation({ runtime }: Supervisor, { namespace }: ContainerKey): Omit<RuntimeLocation, 'options'> {
  return { binary: runtime.binary, root: join(runtime.root, namespace) };
}
