// `runc delete` without runc, for a container whose processes have all ended: its cgroups and its state are removed, in
// the runtime's order. See docs/adr/0011-hot-path.md.
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '../base/failpoint.js';
import { tryToRemoveCgroup } from '../linux/cgroup-directories.js';
import { readRuncState } from './state-file.js';

/** A group is busy for a moment after its last process has been waited for. */
const busyPausesMs = [1, 2, 5, 10, 20] as const;

/** False where this is the runtime's to do: what is left then is as good as whole to it. */
export async function deleteNatively(root: string, id: string, initPid: number): Promise<boolean> {
  const state = readRuncState(root, id);
  if (state === undefined || !state.isPlain || state.initPid !== initPid) return false;
  for (const path of state.cgroupPaths) if (!(await removeGroup(path))) return false;
  failpoint('shim.cgroups-removed');
  rmSync(state.directory, { recursive: true, force: true });
  return true;
}

/** False where processes or groups of the container's own are left in it. */
async function removeGroup(path: string): Promise<boolean> {
  if (tryToRemoveCgroup(path)) return true;
  for (const pauseMs of busyPausesMs) {
    await sleep(pauseMs);
    if (tryToRemoveCgroup(path)) return true;
  }
  return false;
}
