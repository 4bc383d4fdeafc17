// What transfers of images share.
import type { KeyedQueue } from '../../base/keyed-queue.js';
import type { RegistrySettings } from '../../images/registry/open-registry.js';

export interface Transfers extends RegistrySettings {
  /** Keys: a namespace and a lease. */
  readonly queue: KeyedQueue;
}
