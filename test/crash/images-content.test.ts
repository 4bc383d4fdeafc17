// `kill -9` of the daemon while blobs are written and committed: what is visible is whole, what is not whole can be gone
// on with, and nothing stays that nobody owns.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { ContentUnderCrash } from '../helpers/content-crash.js';
import { digestOf, listBlobs, WriteDialogue } from '../helpers/content.js';

const content = new ContentUnderCrash();

const blobBytes = 3_000_000;

/** Goes on with a write as clients do: asks how far it is, sends the rest, commits. */
async function writeRest(data: Buffer, ref: string, options: { lease: string }): Promise<bigint> {
  const announced = { ref, total: BigInt(data.length), expected: digestOf(data) };
  const write = new WriteDialogue(content.daemon, options);
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

/** How many bytes are there after a death at each point; undefined where the blob is visible then. */
const writePoints: readonly (readonly [name: string, bytes: number | undefined])[] = [
  ['content.ingest-recorded', 0],
  ['content.data-written', 1_000_000],
  ['content.data-synced', blobBytes],
  // The file is in place, though nobody's: the next write of that digest takes it over.
  ['content.blob-renamed', blobBytes],
  ['content.blob-recorded', undefined],
];

for (const [point, bytes] of writePoints) {
  test(`a write that dies at ${point} is gone on with`, async () => {
    const data = randomBytes(blobBytes);
    await content.arm(point);
    const held = await content.lease('writer');
    await content.diesDuring(() => writeRest(data, 'resumed', held));
    assert.deepEqual(await content.checkBlobs(), bytes === undefined ? [digestOf(data)] : []);
    if (bytes !== undefined) assert.equal(await writeRest(data, 'resumed', held), BigInt(bytes));
    assert.deepEqual(await content.checkBlobs(), [digestOf(data)]);
    await content.endLease('writer');
    await content.checkEmpty();
  });
}

for (const point of ['content.data-written', 'content.blob-renamed', 'content.blob-recorded']) {
  test(`a write that dies at ${point} and is given up leaves nothing`, async () => {
    await content.arm(point);
    const held = await content.lease('writer');
    await content.diesDuring(() => writeRest(randomBytes(blobBytes), 'given-up', held));
    await content.endLease('writer');
    await content.checkEmpty();
  });
}

test('writes that are killed anywhere come to their end', async () => {
  const rounds = 4;
  const held = await content.lease('storm');
  const blobs = Array.from({ length: 4 }, (_, index) => ({ ref: `storm-${index}`, data: randomBytes(blobBytes) }));
  const isUnfinished = async ({ data }: { data: Buffer }) =>
    !(await listBlobs(content.daemon)).includes(digestOf(data));
  for (let round = 0; round < rounds; round++) {
    const writes = [];
    for (const blob of blobs) if (await isUnfinished(blob)) writes.push(writeRest(blob.data, blob.ref, held));
    const ends = Promise.allSettled(writes);
    // A random moment: some are done by then, some have not begun.
    await Promise.race([ends, new Promise((resolve) => setTimeout(resolve, randomInt(150)))]);
    await content.daemon.restart('SIGKILL');
    await ends;
    await content.checkBlobs();
  }
  for (const blob of blobs) if (await isUnfinished(blob)) await writeRest(blob.data, blob.ref, held);
  assert.deepEqual(await content.checkBlobs(), blobs.map(({ data }) => digestOf(data)).sort());
  await content.collect();
  await content.checkInvariants();
  assert.equal(content.files('blobs/sha256').length, blobs.length);
  await content.endLease('storm');
  await content.checkEmpty();
});
