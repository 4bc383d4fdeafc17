// A power failure: what the daemon has answered for is on the disk, whole, though nothing else was written there in time.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { listBlobs, digestOf, readBlob, writeBlob } from '../helpers/content.js';
import { type Ext4Disk, onExt4 } from '../helpers/ext4-disk.js';
import { FakeRegistry } from '../helpers/fake-registry.js';
import { removeImages } from '../helpers/images.js';
import { assertClean, pulledTree } from '../helpers/pulled-images.js';
import { mounted, ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

/** A journal takes four. */
const diskBytes = 64 * 1024 * 1024;
const fileBytes = 3_000_000;

const daemon = useBerthd();
const overlay = new Snapshots(daemon);
let registry: FakeRegistry;

before(async () => {
  registry = await FakeRegistry.start();
});

after(async () => await registry.stop());

/** Cuts the power once `work` has had its answers, and looks after the next start. */
async function overPowerFailure<T>(work: () => Promise<T>, look: (before: T) => Promise<void>): Promise<void> {
  const cut = async (disk: Ext4Disk): Promise<void> => {
    const answered = await work();
    disk.cutPower();
    await daemon().kill9();
    await disk.mountAgain();
    await daemon().start();
    await look(answered);
  };
  await onExt4(daemon(), daemon().root, cut, { bytes: diskBytes, journal: true });
}

test('a blob that was committed is whole after a power failure', async () => {
  const data = randomBytes(fileBytes);
  await overPowerFailure(
    async () => await writeBlob(daemon(), data),
    async (digest) => {
      assert.deepEqual(await listBlobs(daemon()), [digest]);
      assert.equal(digestOf(await readBlob(daemon(), digest)), digest);
      await assertClean(daemon());
    },
  );
});

test('an image that was pulled, and what it was unpacked to, are whole after a power failure', async () => {
  registry.image('1', randomBytes(fileBytes));
  const reference = registry.reference('app:1');
  await overPowerFailure(
    async () => {
      const { code, stderr } = await daemon().berth(['pull', '--quiet', reference]);
      assert.equal(code, 0, stderr);
    },
    async () => {
      const { images } = await daemon().call(ImagesService.list, { filters: [] });
      assert.deepEqual(
        images.map(({ name }) => name),
        [reference],
      );
      const blobs = await listBlobs(daemon());
      assert.equal(blobs.length, 3);
      for (const digest of blobs) assert.equal(digestOf(await readBlob(daemon(), digest)), digest);
      const tree = await pulledTree(daemon());
      assert.deepEqual(tree, await freshTree(reference));
      await assertClean(daemon());
    },
  );
});

/** Of the same image, unpacked once more. */
async function freshTree(reference: string): Promise<Map<string, string>> {
  await removeImages(daemon());
  const { code, stderr } = await daemon().berth(['pull', '--quiet', reference]);
  assert.equal(code, 0, stderr);
  return await pulledTree(daemon());
}

test('a snapshot that was committed is there after a power failure, with what its client has synced', async () => {
  const content = randomBytes(fileBytes);
  await overPowerFailure(
    async () => {
      const file = openSync(join(ownDirectory(await overlay.prepare('active')), 'file'), 'w');
      writeSync(file, content);
      fsyncSync(file);
      closeSync(file);
      await overlay.commit('base', 'active');
    },
    async () => {
      assert.deepEqual(await overlay.keys(), ['base']);
      const mount = daemon().path('mount');
      mkdirSync(mount);
      const found = await mounted(await overlay.view('look', 'base'), mount, () => readFileSync(join(mount, 'file')));
      assert.ok(content.equals(found));
      await assertClean(daemon());
    },
  );
});
