// The cgroups of a container whose making was killed before the runtime had written anything down: its forced deletion
// knows of no container then, and leaves them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeadlineError, poll } from '../base/deadline.js';
import { cgroupDirectories, tryToRemoveCgroup } from '../linux/cgroup-directories.js';

/** The runtime's half-made init ends as soon as it finds the runtime gone. */
const emptyTimeoutMs = 1000;
const emptyPollMs = 5;

/**
 * Removes the empty groups that the spec in `bundle` names; one in which something runs belongs to somebody else too. True
 * when none of them is left.
 */
export async function removeLeftoverGroups(bundle: string): Promise<boolean> {
  const left = new Set(cgroupDirectories(cgroupsPathIn(bundle)));
  const isDone = (): true | undefined => {
    for (const directory of left) if (tryToRemoveCgroup(directory)) left.delete(directory);
    return left.size === 0 || undefined;
  };
  try {
    await poll(isDone, { limitMs: emptyTimeoutMs, intervalMs: emptyPollMs, what: 'the end of what a cgroup holds' });
    return true;
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    return false;
  }
}

/** Empty where there is no bundle any more, or the runtime itself chose a path. */
function cgroupsPathIn(bundle: string): string {
  try {
    const spec = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
      readonly linux?: { readonly cgroupsPath?: string };
    };
    return spec.linux?.cgroupsPath ?? '';
  } catch {
    return '';
  }
}
