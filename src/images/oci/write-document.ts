// Keeps a small JSON document, such as a manifest, in the content store.
import { randomUUID } from 'node:crypto';
import { isBerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import type { Labels } from '../../domain/records.js';
import { updateBlob } from '../content/blobs.js';
import { abortIngest } from '../content/ingests.js';
import { openWriter } from '../content/open-writer.js';
import type { ImageStorage } from '../image-storage.js';
import type { Scope } from '../scope.js';

/** What is there already gets the labels too. `scope` must have a lease, or `labels` must keep it. */
export async function writeDocument(
  storage: ImageStorage,
  scope: Scope,
  { mediaType, document, labels }: { readonly mediaType: string; readonly document: object; readonly labels: Labels },
): Promise<Descriptor> {
  const ref = `document-${randomUUID()}`;
  const writer = await openWriter(storage, scope, { ref, total: 0, expected: '' });
  try {
    const content = Buffer.from(JSON.stringify(document));
    const size = content.length;
    await writer.append(content);
    const digest = await writer.digest();
    try {
      await writer.commit({ total: size, expected: undefined, labels });
    } catch (error) {
      if (!isBerthError(error, 'already-exists')) throw error;
      const paths = Object.keys(labels).map((label) => `labels.${label}`);
      await updateBlob(storage, { namespace: scope.namespace, digest, labels }, paths);
    }
    return { mediaType, digest, size, annotations: {} };
  } catch (error) {
    await writer.close();
    await abortIngest(storage, scope, ref).catch(() => undefined);
    throw error;
  } finally {
    await writer.close();
  }
}
