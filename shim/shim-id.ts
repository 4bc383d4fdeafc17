// What tells one shim from every other, of all time.
import { randomUUID } from 'node:crypto';

/** From random bytes of this moment: Node keeps some in store, and processes forked from one would share them. */
export function newShimId(): string {
  return randomUUID({ disableEntropyCache: true });
}
