// An index of images whose layers are compressed by zstd, in a real registry: pulled by `berth` and by ctr, unpacked as the
// real containerd unpacks it, and run.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { startContainerd, type TestDaemon } from '../helpers/daemon.js';
import { removeImages } from '../helpers/images.js';
import { pullBy, pulledTree, type Puller, pushImage, rootfsLayer } from '../helpers/pulled-images.js';
import { rawTar } from '../helpers/raw-tar.js';
import { Registry } from '../helpers/registry.js';
import { Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  await removeImages(daemon());
});

const daemon = useBerthd();

const pullLimitMs = 60_000;

let reference: TestDaemon;
let registry: Registry;
let name: string;
let expected: Map<string, string>;

before(async () => {
  reference = await startContainerd();
  registry = await Registry.start();
  const mtime = 1_600_000_000;
  const changes = (architecture: string) =>
    rawTar([
      { name: 'etc/', type: '5', mode: 0o755, mtime },
      { name: 'etc/architecture', content: `${architecture}\n`, uid: 5, gid: 6, mtime },
      { name: 'bin/', type: '5', mode: 0o755, mtime },
      { name: 'bin/.wh.vi' },
    ]);
  await pushImage(reference, registry, 'zstd:1', async (layout) => {
    const image = async (architecture: string) =>
      await layout.image([rootfsLayer(reference), changes(architecture)], architecture, {}, 'zstd');
    return await layout.index([await image('amd64'), await image('arm64')]);
  });
  name = registry.reference('zstd:1');
  await pull(reference, 'ctr');
  expected = await pulledTree(reference);
});

after(async () => {
  await reference.call(ImagesService.delete, { name, sync: true, target: undefined });
  await registry.stop();
  await reference.dispose();
});

async function pull(subject: TestDaemon, how: Puller): Promise<void> {
  await pullBy(how, subject, name, { args: ['--platform', 'linux/amd64'], limitMs: pullLimitMs });
}

for (const how of ['berth', 'ctr'] as const) {
  test(`pulled by ${how}, the layers of one platform come, are as containerd has them, and run`, async () => {
    await pull(daemon(), how);
    assert.equal((await new Snapshots(daemon).keys()).length, 2);
    const tree = await pulledTree(daemon());
    assert.match(tree.get('etc/architecture') ?? '', /^file mode=644 owner=5:6 .* size=6 /);
    assert.deepEqual(Object.fromEntries(tree), Object.fromEntries(expected));
    const byCtr = await daemon().ctr(['run', '--rm', name, 'by-ctr', 'cat', '/etc/architecture']);
    assert.deepEqual([byCtr.stdout, byCtr.code], ['amd64\n', 0], byCtr.stderr);
    const run = await daemon().berth(['run', '--rm', '--pull', 'never', name, 'cat', '/etc/architecture']);
    assert.deepEqual([run.stdout, run.code], ['amd64\n', 0], run.stderr);
  });
}
