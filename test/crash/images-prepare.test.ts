// `kill -9` of the daemon while an image is unpacked and a container of it is prepared: `berth check` finds nothing
// afterwards, and what was asked for can be asked again.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { image, StorageCrash } from '../helpers/storage-crash.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => await crash.clear());

const daemon = useBerthd();
const crash = new StorageCrash(daemon);

for (const failpoint of [
  'disk.mounted',
  'diff.applied',
  'unpack.entry-written:3',
  'unpack.applied',
  'snapshots.committed',
  'prepare.snapshot-made',
  'prepare.volumes-made',
]) {
  test(`a container of an image, and a death at ${failpoint}`, async () => {
    await crash.haveImage();
    await crash.diesAt(failpoint, 'run', '--rm', '--name', 'box', image, 'cat', '/data/file');
    assert.equal(await crash.berth('run', '--rm', '--name', 'box', image, 'cat', '/data/file'), 'x');
  });
}
