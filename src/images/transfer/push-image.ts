// A whole image to its registry: blobs first, several at once, then manifests, and the tag last: whoever pulls meanwhile
// finds the old image or the new one.
import { Slots } from '../../base/slots.js';
import { BerthError } from '../../domain/errors.js';
import type { Descriptor } from '../../domain/image-records.js';
import { walkImage } from '../oci/walk-image.js';
import { withRetries } from '../registry/retry.js';
import { pushBlob } from './push-blob.js';
import type { Transfer } from './transfer.js';

/** Blobs at once, of one push. */
const maxParallelBlobs = 4;

export async function pushTree(transfer: Transfer, target: Descriptor): Promise<void> {
  const { storage, scope, progress, reference } = transfer;
  const { blobs, documents } = await walkImage(storage, scope.namespace, target, { lenient: false });
  for (const blob of blobs) progress.update(blob, 'waiting');
  const slots = new Slots(maxParallelBlobs);
  await Promise.all(blobs.map((blob) => slots.run(async () => await pushBlob(transfer, blob))));
  if (reference.digest !== '' && reference.digest !== target.digest) {
    throw new BerthError(
      'invalid-argument',
      `the image is ${target.digest}, not ${reference.digest} as the reference says`,
    );
  }
  for (const { descriptor, content } of documents) {
    const isTarget = descriptor.digest === target.digest;
    const name = isTarget && reference.tag !== '' ? reference.tag : descriptor.digest;
    await pushDocument(transfer, descriptor, content, name);
    progress.update(descriptor, 'done');
  }
}

async function pushDocument(
  { client, signal }: Transfer,
  { digest, mediaType }: Descriptor,
  content: Buffer,
  name: string,
): Promise<void> {
  const what = `manifest ${name} to ${client.repository}`;
  await withRetries(signal, async () => {
    const answer = await client.send({
      method: 'PUT',
      path: `manifests/${name}`,
      headers: { 'content-type': mediaType, 'content-length': String(content.length) },
      body: () => content,
      what,
      signal,
    });
    await answer.discard();
    const stored = answer.headers['docker-content-digest'];
    if (stored === undefined || stored === digest) return;
    throw new BerthError('failed-precondition', `${what}: the registry has ${stored} now, not ${digest}`);
  });
}
