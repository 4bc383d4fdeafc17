// What every step of a transfer works with.
import type { ImageReference } from '../../domain/image-reference.js';
import type { ImageStorage } from '../image-storage.js';
import type { RegistryClient } from '../registry/registry-client.js';
import type { Scope } from '../scope.js';
import type { TransferProgress } from './transfer-progress.js';

export interface Transfer {
  readonly storage: ImageStorage;
  /** Has a lease, which holds what comes until something refers to it. */
  readonly scope: Scope;
  readonly client: RegistryClient;
  readonly reference: ImageReference;
  readonly progress: TransferProgress;
  readonly signal: AbortSignal;
}
