// Numbers and times that cannot be told again are refused: kept, they would make every list that has them fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ContentService, WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { EventsService } from '../../src/generated/containerd/services/events/v1/events.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { digestOf, WriteDialogue } from '../helpers/content.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { containerId, useShim } from '../helpers/use-shim.js';

const daemon = useBerthd();
const shim = useShim();

const invalid = { code: status.INVALID_ARGUMENT };
const maxInt64 = 2n ** 63n - 1n;
const noTimes = [
  { seconds: maxInt64, nanos: 2 ** 31 - 1 },
  { seconds: -maxInt64, nanos: -1 },
  { seconds: 253_402_300_800n, nanos: 0 },
  { seconds: 0n, nanos: 1_000_000_000 },
];

function imageOf(size: bigint) {
  const target = { mediaType: 'm', digest: digestOf('x'), size, annotations: {} };
  return { name: 'strange', labels: {}, target, createdAt: undefined, updatedAt: undefined };
}

test('an image with a time or a size beyond all bounds is refused, and images can be listed', async () => {
  for (const sourceDateEpoch of noTimes) {
    await assert.rejects(daemon().call(ImagesService.create, { image: imageOf(1n), sourceDateEpoch }), invalid);
  }
  const create = { image: imageOf(maxInt64), sourceDateEpoch: undefined };
  await assert.rejects(daemon().call(ImagesService.create, create), invalid);
  assert.deepEqual((await daemon().call(ImagesService.list, { filters: [] })).images, []);
});

test('an event with a time beyond all bounds is refused', async () => {
  const event = { typeUrl: 'x', value: Buffer.alloc(0) };
  for (const timestamp of noTimes) {
    const envelope = { timestamp, namespace: daemon().namespace, topic: '/a/b', event };
    await assert.rejects(daemon().call(EventsService.forward, { envelope }), invalid);
  }
});

test('a write that announces more than can be counted is refused, and ingests can be listed', async () => {
  const write = new WriteDialogue(daemon(), {});
  await assert.rejects(write.send({ action: WriteAction.STAT, ref: 'endless', total: maxInt64 }), invalid);
  assert.deepEqual((await daemon().call(ContentService.listStatuses, { filters: [] })).statuses, []);
});

test('a checkpoint to a path with a zero byte is refused as such', async () => {
  await shim().run(['/bin/sleep', '60']);
  const { task } = shim();
  const checkpoint = { id: containerId, path: '/no\0where', options: undefined };
  await assert.rejects(task.checkpoint(checkpoint), { kind: 'invalid-argument' });
});
