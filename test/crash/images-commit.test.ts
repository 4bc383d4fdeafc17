// `kill -9` of the daemon while a container is committed: there is no image, nothing is left, and it can be asked again.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { image, StorageCrash } from '../helpers/storage-crash.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => await crash.clear());

const daemon = useBerthd();
const crash = new StorageCrash(daemon);

for (const failpoint of [
  'pack.entry-written:2',
  'diff.packed',
  'commit.layer-made',
  'commit.manifest-written',
  'commit.unpacked',
]) {
  test(`a commit, and a death at ${failpoint}`, async () => {
    await crash.haveImage();
    await crash.berth('run', '--name', 'box', image, 'sh', '-c', 'echo mine > /own; echo other > /other');
    await crash.diesAt(failpoint, 'commit', 'box', 'mine');
    const { images } = await daemon().call(ImagesService.list, { filters: [] });
    assert.deepEqual(
      images.map(({ name }) => name),
      [image],
    );
    await crash.berth('commit', 'box', 'mine');
    assert.equal(await crash.berth('run', '--rm', 'mine', 'cat', '/own'), 'mine\n');
  });
}
