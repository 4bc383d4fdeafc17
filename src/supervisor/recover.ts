// At the daemon's start: every recorded task is connected to its shim again, all at once; bundles that no record owns are
// removed with whatever still serves them, and so is what the runtime knows beyond that.
import { failpoint } from '../base/failpoint.js';
import { type ContainerKey, keyString } from '../domain/ids.js';
import { listBundles, removeDoomedBundles } from '../shims/bundle.js';
import { claimBoot } from './boot.js';
import { LiveTask } from './live-tasks.js';
import { removeLeftoverInTime } from './remove-leftover.js';
import { runtimeStates } from './runtime-state.js';
import { settleAfterReboot } from './settle-ends.js';
import { removeRunDirectories, sweepDirectories } from './storage/container-directories.js';
import { settleRootMounts } from './storage/settle-root-mounts.js';
import type { Supervisor } from './supervisor.js';
import { watchInBackground } from './watch-shim.js';

/** Returns when all of it is under way: calls for one container wait for that container's recovery alone. */
export async function recover(supervisor: Supervisor): Promise<void> {
  const { store, tasks, stateDirectory } = supervisor;
  const sameBoot = await claimBoot(stateDirectory);
  if (!sameBoot) await removeRunDirectories(supervisor);
  await settleRootMounts(supervisor);
  await sweepDirectories(supervisor);
  failpoint('recover.begun');
  for await (const record of store.tasks.list()) {
    const task = new LiveTask(record, undefined);
    tasks.add(task);
    if (sameBoot) watchInBackground(supervisor, task);
    else await settleAfterReboot(supervisor, task);
  }
  await removeDoomedBundles(stateDirectory, supervisor.log);
  failpoint('recover.tasks-watched');
  const found = new Map<string, ContainerKey>();
  for (const { key } of await listBundles(stateDirectory)) found.set(keyString(key), key);
  for await (const { namespace, id } of runtimeStates(supervisor))
    found.set(keyString({ namespace, id }), { namespace, id });
  for (const key of found.values()) if (tasks.find(key) === undefined) void removeLeftoverInTime(supervisor, key);
}
