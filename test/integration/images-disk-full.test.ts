// A content store without space: writes fail with a word of why, and go on once there is some.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ContentService, WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { digestOf, listBlobs, WriteDialogue, writeBlob } from '../helpers/content.js';
import { runProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

/** Runs `work` with a content store of its own, which has only `size`. */
async function withSpace(size: string, work: () => Promise<void>): Promise<void> {
  const content = `${daemon().root}/content`;
  await daemon().stop();
  const mounted = await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', content]);
  assert.equal(mounted.code, 0, mounted.stderr);
  try {
    await daemon().start();
    await work();
  } finally {
    await daemon().stop();
    const unmounted = await runProgram('umount', [content]);
    await daemon().start();
    assert.equal(unmounted.code, 0, unmounted.stderr);
  }
}

test('a write that finds no space is refused, and can be gone on with when there is', async () => {
  await withSpace('4m', async () => {
    const filler = await writeBlob(daemon(), randomBytes(3_000_000));
    const data = randomBytes(2_000_000);
    const write = new WriteDialogue(daemon());
    await write.send({ ref: 'full' });
    const request = { action: WriteAction.COMMIT, data: Buffer.from(data), expected: digestOf(data) };
    await assert.rejects(write.send(request), { code: status.RESOURCE_EXHAUSTED });
    assert.deepEqual(await listBlobs(daemon()), [filler]);
    await daemon().call(ContentService.delete, { digest: filler });
    await daemon().restart();
    const again = new WriteDialogue(daemon());
    const { offset } = await again.send({ ref: 'full' });
    const rest = { action: WriteAction.COMMIT, offset, data: data.subarray(Number(offset)), expected: digestOf(data) };
    assert.equal((await again.send(rest)).digest, digestOf(data));
  });
});
