// A lease for as long as one piece of work takes, where the client brings none: what is made on the way is garbage as soon
// as the work ends without anything that keeps it.
import { randomUUID } from 'node:crypto';
import { expireLabel } from '../../images/gc/references.js';
import type { Scope } from '../../images/scope.js';
import { createLease, deleteLease } from '../leases.js';
import type { Supervisor } from '../supervisor.js';

/** What a crash leaves behind goes after this. */
const leaseMs = 6 * 3_600_000;

export async function withLease<T>(
  supervisor: Supervisor,
  scope: Scope,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  if (scope.lease !== '') return await work(scope);
  const { namespace } = scope;
  const id = `berth-${randomUUID()}`;
  const until = new Date(Date.now() + leaseMs).toISOString();
  await createLease(supervisor, { namespace, id, labels: { [expireLabel]: until } });
  try {
    return await work({ namespace, lease: id });
  } finally {
    await deleteLease(supervisor, { namespace, id }).catch((error: unknown) => {
      supervisor.log.warn('a lease could not be given back', { namespace, lease: id, error });
    });
  }
}
