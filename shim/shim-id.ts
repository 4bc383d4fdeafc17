// What tells one shim from every other, of all time.
import { readFileSync } from 'node:fs';

/** The kernel's: what Node and OpenSSL keep in store, processes forked from one would share, or take a millisecond to renew. */
export function newShimId(): string {
  return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim();
}
