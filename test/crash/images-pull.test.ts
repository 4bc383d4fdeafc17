// `kill -9` of the daemon in the middle of a pull: the next pull goes on where it was, and records and files agree.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { FakeRegistry } from '../helpers/fake-registry.js';
import { removeImages } from '../helpers/images.js';
import { assertClean } from '../helpers/pulled-images.js';
import { ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  registry.requests.length = 0;
  await removeImages(daemon());
});

const daemon = useBerthd();
let registry: FakeRegistry;

before(async () => {
  registry = await FakeRegistry.start();
});

after(async () => await registry.stop());

/** Random, so that gzip leaves it as large; several pieces. */
const layerBytes = 3_000_000;
const fileNames = ['a', 'b', 'c', 'd', 'e'];

/** One layer. */
function newFiles(): Record<string, Buffer> {
  return Object.fromEntries(fileNames.map((name) => [name, randomBytes(layerBytes / fileNames.length)]));
}

/** What lies in the directories of snapshots; those that are being removed have other names. */
function snapshotTrees(): string[][] {
  const root = join(daemon().root, 'snapshots');
  return readdirSync(root).map((name) => readdirSync(join(root, name, 'fs')).sort());
}

/** What the dead pull had half unpacked goes with the lease, by the next collection. */
async function becomesOneSnapshot(): Promise<void> {
  const isOne = async () => (await new Snapshots(daemon).keys()).length === 1 || undefined;
  await poll(isOne, { limitMs: 20_000, intervalMs: 50, what: 'the half-made snapshot to be collected' });
}

const points = [
  'pull.manifests-fetched',
  'pull.piece-written:2',
  'content.data-written:4',
  'pull.blob-fetched:2',
  'snapshots.record-written',
  'unpack.entry-written:3',
  'unpack.applied',
  'pull.unpacked',
  'pull.image-recorded',
];

for (const point of points) {
  test(`a pull that dies at ${point} is gone on with by the next`, async () => {
    registry.image('1', [newFiles()]);
    const reference = registry.reference('app:1');
    await daemon().kill9();
    await daemon().start({ BERTH_FAILPOINT: point });
    const cut = await daemon().berth(['pull', reference]);
    assert.equal(cut.code, 1);
    await daemon().died();
    await daemon().start();
    await assertClean(daemon());
    const { statuses } = await daemon().call(ContentService.listStatuses, { filters: [] });
    const layer = statuses.find(({ ref }) => ref.startsWith('layer-'));
    const before = registry.requests.length;
    const { code, stderr } = await daemon().berth(['pull', reference]);
    assert.equal(code, 0, stderr);
    const ranges = registry.requests.slice(before).flatMap(({ range }) => range ?? []);
    const isWhole = layer === undefined || layer.offset === 0n || layer.offset === layer.total;
    assert.deepEqual(ranges, isWhole ? [] : [`bytes=${layer.offset}-`]);
    const { images } = await daemon().call(ImagesService.list, { filters: [] });
    assert.deepEqual(
      images.map(({ name }) => name),
      [reference],
    );
    const { leases } = await daemon().call(LeasesService.list, { filters: [] });
    assert.deepEqual(leases, []);
    await becomesOneSnapshot();
    await assertClean(daemon());
  });
}

test('a pull that dies with half a layer on the disk leaves nothing of it in the image', async () => {
  const files = newFiles();
  registry.image('1', [files]);
  const reference = registry.reference('app:1');
  await daemon().kill9();
  await daemon().start({ BERTH_FAILPOINT: 'unpack.entry-written:3' });
  assert.equal((await daemon().berth(['pull', reference])).code, 1);
  await daemon().died();
  assert.deepEqual(snapshotTrees(), [fileNames.slice(0, 3)]);
  await daemon().start();
  await assertClean(daemon());
  assert.equal((await daemon().berth(['pull', '-q', reference])).code, 0);
  await becomesOneSnapshot();
  const isGone = () => readdirSync(join(daemon().root, 'snapshots')).length === 1 || undefined;
  await poll(isGone, { limitMs: 20_000, intervalMs: 50, what: 'the half-made directory to go' });
  assert.deepEqual(snapshotTrees(), [fileNames]);
  const mounts = await new Snapshots(daemon).view('look', (await new Snapshots(daemon).keys())[0]);
  const own = ownDirectory(mounts);
  for (const [name, content] of Object.entries(files)) assert.ok(readFileSync(join(own, name)).equals(content), name);
  await new Snapshots(daemon).remove('look');
});

test('an import that dies leaves what the collector removes', async () => {
  registry.image('1', randomBytes(layerBytes));
  const reference = registry.reference('app:1');
  const archive = daemon().path('app.tar');
  assert.equal((await daemon().berth(['pull', '-q', reference])).code, 0);
  assert.equal((await daemon().berth(['images', 'export', '--file', archive, reference])).code, 0);
  await removeImages(daemon());
  await daemon().kill9();
  await daemon().start({ BERTH_FAILPOINT: 'import.read' });
  assert.equal((await daemon().berth(['images', 'import', archive])).code, 1);
  await daemon().died();
  await daemon().start();
  await assertClean(daemon());
  await removeImages(daemon());
  assert.equal((await daemon().berth(['images', 'import', archive])).stdout, `${reference}\n`);
});
