// Deadlines for calls to a shim, and its end.
import { withDeadline } from '../base/deadline.js';
import { isBerthError } from '../domain/errors.js';
import type { ContainerKey } from '../domain/ids.js';
import type { Shim } from '../shims/shim.js';
import type { Supervisor } from './supervisor.js';

/** Above the shim's own limit for one call of the runtime, so that its better-worded failure arrives first. */
export const shimCallTimeoutMs = 150_000;
/** containerd gives a shim 3 s to shut down. */
const shutdownTimeoutMs = 3000;

/** Asks the shim to end and waits until it has; one that does not is killed. */
export async function shutdownShim(supervisor: Supervisor, shim: Shim, { namespace, id }: ContainerKey): Promise<void> {
  try {
    await shim.task.shutdown({ id, now: true }, { timeoutMs: shutdownTimeoutMs });
    await withDeadline(shim.closed, shutdownTimeoutMs, 'the end of the shim');
  } catch (error) {
    // 'unavailable' is the connection closing under the answer: the shim has ended.
    if (isBerthError(error, 'unavailable')) return;
    supervisor.log.warn('a shim did not shut down: killing it', { namespace, id, pid: shim.identity.pid, error });
    killShim(shim.identity.pid);
  } finally {
    await shim.close();
  }
}

function killShim(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}
