// What a dead shim may have left running beside its container: calls of the OCI runtime, which would go on to change what
// somebody else is now in charge of. They are in the shim's session and work in its bundle; the container's own processes
// lead sessions of their own.
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { DeadlineError, poll } from '../base/deadline.js';
import { readProcessStat } from '../linux/process-info.js';

/** From SIGKILL to the end of a runtime's process. */
const endTimeoutMs = 2000;
const endPollMs = 5;

/** Kills them and returns once they are gone. */
export async function killShimRemains(shimPid: number, bundle: string): Promise<void> {
  const directory = realDirectory(bundle);
  try {
    await poll(() => killAll(shimPid, directory) === 0 || undefined, {
      limitMs: endTimeoutMs,
      intervalMs: endPollMs,
      what: 'the end of the runtime calls of a dead shim',
    });
  } catch (error) {
    // In uninterruptible sleep: whoever goes on will meet its own deadline.
    if (!(error instanceof DeadlineError)) throw error;
  }
}

/** Returns how many there were. */
function killAll(shimPid: number, directory: string): number {
  let found = 0;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === shimPid) continue;
    const stat = readProcessStat(pid);
    if (stat?.session !== shimPid || stat.state === 'Z' || workingDirectory(pid) !== directory) continue;
    found++;
    kill(pid);
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}

function workingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function realDirectory(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
