// `kill -9` of the daemon while it collects garbage: the next collection finishes, and takes nothing that is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { ContentUnderCrash } from '../helpers/content-crash.js';
import { digestOf, writeBlob } from '../helpers/content.js';

const content = new ContentUnderCrash();

/** An image that goes with the next collection, and its target with it. */
async function createExpired(target: string): Promise<void> {
  const descriptor = { mediaType: 'm', digest: target, size: 3n, annotations: {} };
  const labels = { 'containerd.io/gc.expire': new Date(0).toISOString() };
  const image = { name: 'expired', labels, target: descriptor, createdAt: undefined, updatedAt: undefined };
  await content.daemon.call(ImagesService.create, { image, sourceDateEpoch: undefined });
}

for (const point of ['gc.marked', 'gc.records-removed', 'gc.file-removed']) {
  test(`a collection that dies at ${point} is finished by the next`, async () => {
    await content.arm(point);
    const kept = await writeBlob(content.daemon, 'kept');
    const held = await content.lease('doomed');
    for (const name of ['one', 'two', 'three']) await writeBlob(content.daemon, name, held);
    await createExpired(digestOf('one'));
    await content.diesDuring(() => content.endLease('doomed'));
    await content.checkBlobs();
    await content.collect();
    await content.checkInvariants();
    assert.deepEqual(await content.checkBlobs(), [kept]);
    assert.deepEqual(content.files('blobs/sha256'), [kept.replace('sha256:', '')]);
    assert.deepEqual((await content.daemon.call(ImagesService.list, { filters: [] })).images, []);
    await content.daemon.call(ContentService.delete, { digest: kept });
    await content.checkEmpty();
  });
}
