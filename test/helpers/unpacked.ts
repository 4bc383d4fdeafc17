// Layers unpacked without a daemon, as the worker thread does it.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDigest } from '../../src/domain/digest.js';
import {
  type UnpackLimits,
  unpackLayer,
  type UnpackResult,
  type UnpackTarget,
} from '../../src/images/diff/unpack/unpack-layer.js';
import { digestOf } from './content.js';

export interface UnpackOptions extends Partial<UnpackLimits> {
  readonly mayBeCompressed?: boolean;
  /** What the blob is said to be. */
  readonly digest?: string;
  readonly isCancelled?: () => boolean;
}

/** Far above what any test layer has. */
const defaultLimits: UnpackLimits = { maxBytes: 1e9, maxEntries: 100_000, allowDevices: true };

export async function unpack(
  blob: Buffer,
  target: string | UnpackTarget,
  options: UnpackOptions = {},
): Promise<UnpackResult> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-blob-'));
  const path = join(directory, 'blob');
  writeFileSync(path, blob);
  const fd = openSync(path, 'r');
  const { mayBeCompressed = true, digest = digestOf(blob), isCancelled, ...limits } = options;
  try {
    return await unpackLayer(
      {
        blob: { fd, digest: parseDigest(digest), size: blob.length, mayBeCompressed },
        target: typeof target === 'string' ? { path: target, whiteouts: 'plain', lowers: [] } : target,
        limits: { ...defaultLimits, ...limits },
        sync: false,
      },
      {
        checkCancelled: () => {
          if (isCancelled?.() === true) throw new Error('cancelled by the test');
        },
      },
    );
  } finally {
    closeSync(fd);
    await rm(directory, { recursive: true });
  }
}
