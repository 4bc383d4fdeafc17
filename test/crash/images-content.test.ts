// `kill -9` of the daemon while blobs are written, committed and collected: what is visible is whole, what is not whole
// can be gone on with, and nothing stays that nobody owns.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { ContentService, WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { digestOf, listBlobs, WriteDialogue, writeBlob } from '../helpers/content.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  const { leases } = await daemon().call(LeasesService.list, { filters: [] });
  for (const { id } of leases) await daemon().call(LeasesService.delete, { id, sync: true });
});

// Collections come when a test asks for one.
const daemon = useBerthd({ config: 'gc_delay_ms = 600_000\ngc_interval_seconds = 600' });

const blobBytes = 3_000_000;

async function armed(failpoint: string): Promise<void> {
  await daemon().kill9();
  await daemon().start({ BERTH_FAILPOINT: failpoint });
}

/** The daemon dies at its failpoint during `work`, and runs again. */
async function diesDuring(work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work());
  await daemon().died();
  await daemon().start();
}

async function lease(id: string): Promise<string> {
  await daemon().call(LeasesService.create, { id, labels: {} });
  return id;
}

async function collect(): Promise<void> {
  await lease('collect');
  await daemon().call(LeasesService.delete, { id: 'collect', sync: true });
}

function files(kind: 'blobs/sha256' | 'ingest'): string[] {
  return readdirSync(`${daemon().root}/content/${kind}`);
}

/** Every blob that is visible is what its name says. */
async function checkBlobs(): Promise<string[]> {
  const digests = await listBlobs(daemon());
  for (const digest of digests) {
    const hex = digest.replace('sha256:', '');
    const content = readFileSync(`${daemon().root}/content/blobs/sha256/${hex}`);
    assert.equal(createHash('sha256').update(content).digest('hex'), hex);
    const { info } = await daemon().call(ContentService.info, { digest });
    assert.equal(info?.size, BigInt(content.length));
  }
  return digests;
}

/** Nothing is left of anything, once it is collected. */
async function checkEmpty(): Promise<void> {
  await collect();
  assert.deepEqual(await listBlobs(daemon()), []);
  assert.deepEqual(files('blobs/sha256'), []);
  assert.deepEqual(files('ingest'), []);
}

/** Goes on with a write as clients do: asks how far it is, sends the rest, commits. */
async function writeRest(data: Buffer, ref: string, options: { lease: string }): Promise<bigint> {
  const announced = { ref, total: BigInt(data.length), expected: digestOf(data) };
  const write = new WriteDialogue(daemon(), options);
  const { offset } = await write.send(announced);
  const pieceBytes = 1_000_000;
  for (let at = Number(offset); at < data.length; at += pieceBytes) {
    const piece = data.subarray(at, at + pieceBytes);
    await write.send({ action: WriteAction.WRITE, offset: BigInt(at), data: piece });
  }
  await write.send({ action: WriteAction.COMMIT, ...announced, offset: BigInt(data.length) });
  await write.finish();
  return offset;
}

/** Bytes that may be there after a death at each point, and whether the blob is visible then. */
const writePoints = [
  { name: 'content.ingest-recorded', atLeast: 0, atMost: 0, visible: false },
  { name: 'content.data-written', atLeast: 1_000_000, atMost: 1_000_000, visible: false },
  { name: 'content.data-written:3', atLeast: blobBytes, atMost: blobBytes, visible: false },
  { name: 'content.data-synced', atLeast: blobBytes, atMost: blobBytes, visible: false },
  // The file is in place, though nobody's: the next write of that digest takes it over.
  { name: 'content.blob-renamed', atLeast: blobBytes, atMost: blobBytes, visible: false },
  { name: 'content.blob-recorded', atLeast: 0, atMost: 0, visible: true },
];

for (const point of writePoints) {
  test(`a write that dies at ${point.name} is gone on with`, async () => {
    const data = randomBytes(blobBytes);
    await armed(point.name);
    const held = { lease: await lease('writer') };
    await diesDuring(() => writeRest(data, 'resumed', held));
    assert.deepEqual(await checkBlobs(), point.visible ? [digestOf(data)] : []);
    if (!point.visible) {
      const offset = await writeRest(data, 'resumed', held);
      assert.ok(offset >= BigInt(point.atLeast) && offset <= BigInt(point.atMost), `${offset} bytes`);
    }
    assert.deepEqual(await checkBlobs(), [digestOf(data)]);
    await daemon().call(LeasesService.delete, { id: 'writer', sync: true });
    await checkEmpty();
  });

  test(`a write that dies at ${point.name} and is given up leaves nothing`, async () => {
    await armed(point.name);
    const held = { lease: await lease('writer') };
    await diesDuring(() => writeRest(randomBytes(blobBytes), 'given-up', held));
    await daemon().call(LeasesService.delete, { id: 'writer', sync: true });
    await checkEmpty();
  });
}

for (const point of ['gc.marked', 'gc.records-removed', 'gc.file-removed']) {
  test(`a collection that dies at ${point} is finished by the next`, async () => {
    await armed(point);
    const kept = await writeBlob(daemon(), 'kept');
    const held = await lease('doomed');
    for (const name of ['one', 'two', 'three']) await writeBlob(daemon(), name, { lease: held });
    const target = { mediaType: 'm', digest: digestOf('one'), size: 3n, annotations: {} };
    const labels = { 'containerd.io/gc.expire': new Date(0).toISOString() };
    const image = { name: 'expired', labels, target, createdAt: undefined, updatedAt: undefined };
    await daemon().call(ImagesService.create, { image, sourceDateEpoch: undefined });
    await diesDuring(() => daemon().call(LeasesService.delete, { id: held, sync: true }));
    await checkBlobs();
    await collect();
    assert.deepEqual(await checkBlobs(), [kept]);
    assert.deepEqual(files('blobs/sha256'), [kept.replace('sha256:', '')]);
    assert.deepEqual((await daemon().call(ImagesService.list, { filters: [] })).images, []);
    await daemon().call(ContentService.delete, { digest: kept });
    await checkEmpty();
  });
}

test('writes that are killed anywhere come to their end', async () => {
  const rounds = 5;
  const held = { lease: await lease('storm') };
  const blobs = Array.from({ length: 4 }, (_, index) => ({ ref: `storm-${index}`, data: randomBytes(blobBytes) }));
  const isUnfinished = async ({ data }: { data: Buffer }) => !(await listBlobs(daemon())).includes(digestOf(data));
  for (let round = 0; round < rounds; round++) {
    const writes = [];
    for (const blob of blobs) if (await isUnfinished(blob)) writes.push(writeRest(blob.data, blob.ref, held));
    const ends = Promise.allSettled(writes);
    // Some are done by then, some have not begun.
    await Promise.race([ends, new Promise((resolve) => setTimeout(resolve, randomInt(150)))]);
    await daemon().restart('SIGKILL');
    await ends;
    await checkBlobs();
  }
  for (const blob of blobs) if (await isUnfinished(blob)) await writeRest(blob.data, blob.ref, held);
  assert.deepEqual(await checkBlobs(), blobs.map(({ data }) => digestOf(data)).sort());
  await collect();
  assert.equal(files('blobs/sha256').length, blobs.length);
  assert.deepEqual(files('ingest'), []);
  await daemon().call(LeasesService.delete, { id: 'storm', sync: true });
  await checkEmpty();
});
