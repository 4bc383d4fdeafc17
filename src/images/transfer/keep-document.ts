// Puts a small blob that is here whole, such as a manifest, into the content store.
import { parseDigest } from '../../domain/digest.js';
import { isBerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import type { Labels } from '../../domain/records.js';
import { getBlob, updateBlob } from '../content/blobs.js';
import type { ImageStorage } from '../image-storage.js';
import type { Scope } from '../scope.js';
import { openFreeWriter } from './open-free-writer.js';

/** With `labels` added to those that it has where it is here already. */
export async function keepDocument(
  storage: ImageStorage,
  scope: Scope,
  document: {
    readonly ref: string;
    readonly descriptor: Descriptor;
    readonly content: Buffer;
    readonly labels: Labels;
  },
  signal: AbortSignal,
): Promise<void> {
  const { ref, descriptor, content, labels } = document;
  const { digest, size } = descriptor;
  try {
    const writer = await openFreeWriter(storage, scope, { ref, total: size, expected: digest }, signal);
    try {
      if (writer.offset > 0 && writer.offset !== size) await writer.truncate();
      // What is appended is given away.
      if (writer.offset === 0) await writer.append(Buffer.from(content));
      await writer.commit({ total: size, expected: parseDigest(digest), labels });
    } finally {
      await writer.close();
    }
  } catch (error) {
    if (!isBerthError(error, 'already-exists')) throw error;
    await addLabels(storage, scope.namespace, digest, labels);
  }
}

export async function addLabels(
  storage: ImageStorage,
  namespace: string,
  digest: string,
  labels: Labels,
): Promise<void> {
  const current = (await getBlob(storage, namespace, digest)).labels;
  const missing = Object.keys(labels).filter((key) => current[key] !== labels[key]);
  if (missing.length === 0) return;
  await updateBlob(
    storage,
    { namespace, digest, labels },
    missing.map((key) => `labels.${key}`),
  );
}
