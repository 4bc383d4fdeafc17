// Opens a write, and where somebody else is at the same one waits until that is over: then the blob is here.
import { setTimeout as sleep } from 'node:timers/promises';
import { isBerthError } from '../../domain/errors.js';
import type { ContentWriter } from '../content/content-writer.js';
import { openWriter, type WriteRequest } from '../content/open-writer.js';
import type { ImageStorage } from '../image-storage.js';
import type { Scope } from '../scope.js';

/** Between two looks, beside the time that each look itself waits. */
const lookIntervalMs = 200;
/** How long somebody else may take. */
const waitLimitMs = 3_600_000;

/** As `openWriter`; `already-exists` when the namespace has the blob. */
export async function openFreeWriter(
  storage: ImageStorage,
  scope: Scope,
  request: WriteRequest,
  signal: AbortSignal,
): Promise<ContentWriter> {
  const path = storage.content.ingestPath({ namespace: scope.namespace, ref: request.ref });
  const end = performance.now() + waitLimitMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await openWriter(storage, scope, request);
    } catch (error) {
      const isBusy = isBerthError(error, 'unavailable') && storage.writers.isHeld(path);
      if (!isBusy || performance.now() > end) throw error;
    }
    await sleep(lookIntervalMs, undefined, { signal });
  }
}
