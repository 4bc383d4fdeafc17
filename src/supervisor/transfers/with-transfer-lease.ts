// Runs a transfer under a lease of its own, which holds what comes until an image's record does. A transfer that was cut
// off leaves its lease for a while, and the next of that name goes on with it; one that cannot succeed takes it away.
import { isBerthError } from '../../domain/errors.js';
import { expireLabel } from '../../images/gc/references.js';
import type { Scope } from '../../images/scope.js';
import { deleteLease, putLease } from '../leases.js';
import type { Supervisor } from '../supervisor.js';

/** Longer than any transfer takes, and than a daemon that died stays away. */
const transferKeepMs = 24 * 3_600_000;
/** For how long what a transfer that was cut off has brought can be gone on with. */
const resumeKeepMs = 3_600_000;

export interface TransferLease {
  readonly namespace: string;
  readonly id: string;
  /** Whether another transfer of that name can go on with what one that was cut off has brought. */
  readonly resumable: boolean;
}

/** Transfers of one name come one after the other. */
export async function withTransferLease<T>(
  supervisor: Supervisor,
  { namespace, id, resumable }: TransferLease,
  signal: AbortSignal,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  const key = { namespace, id };
  return await supervisor.transfers.queue.run(`${namespace}/${id}`, async () => {
    signal.throwIfAborted();
    await putLease(supervisor, { ...key, labels: expiresIn(transferKeepMs) });
    try {
      const result = await work({ namespace, lease: id });
      await deleteLease(supervisor, key);
      return result;
    } catch (error) {
      if (resumable && (signal.aborted || isBerthError(error, 'unavailable') || isBerthError(error, 'cancelled'))) {
        await putLease(supervisor, { ...key, labels: expiresIn(resumeKeepMs) });
      } else {
        await deleteLease(supervisor, key);
      }
      throw error;
    }
  });
}

function expiresIn(keepMs: number): Record<string, string> {
  return { [expireLabel]: new Date(Date.now() + keepMs).toISOString() };
}
