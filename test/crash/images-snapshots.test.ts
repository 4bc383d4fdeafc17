// `kill -9` of the daemon while snapshots are made, committed, removed, unpacked into and packed: records and directories
// agree again after the next start, nothing stays mounted, and what was asked for can be asked for again.
import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { DiffService } from '../../src/generated/containerd/services/diff/v1/diff.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { Kind } from '../../src/generated/containerd/services/snapshots/v1/snapshots.js';
import { mountPointsBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { listBlobs, rootLabel, writeBlob } from '../helpers/content.js';
import { rawTar } from '../helpers/raw-tar.js';
import { mounted, ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  const { leases } = await daemon().call(LeasesService.list, { filters: [] });
  for (const { id } of leases) await daemon().call(LeasesService.delete, { id, sync: true });
  await checkAgreement();
  await overlay.removeAll();
  await overlay.cleanup();
  for (const digest of await listBlobs(daemon())) await daemon().call(ContentService.delete, { digest });
  await collect();
  assert.deepEqual(directories(), []);
});

// Collections come when a test asks for one.
const daemon = useBerthd({ config: 'gc_delay_ms = 600_000\ngc_interval_seconds = 600' });
const overlay = new Snapshots(daemon);
const plain = 'application/vnd.oci.image.layer.v1.tar';

/** The daemon dies at `failpoint` during `work`, and runs again. */
async function diesAt(failpoint: string, work: () => Promise<unknown>): Promise<void> {
  await daemon().kill9();
  await daemon().start({ BERTH_FAILPOINT: failpoint });
  const failure = await work().then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  await daemon()
    .died()
    .catch((error: unknown) => {
      throw new Error(`no death at ${failpoint}: ${String(failure)}`, { cause: error });
    });
  await daemon().start();
}

function directories(): string[] {
  return readdirSync(join(daemon().root, 'snapshots')).sort();
}

/** Every snapshot has its directory, and every directory its snapshot. */
async function checkAgreement(): Promise<void> {
  const snapshots = await overlay.list();
  const what = 'as many directories as snapshots';
  const isSettled = () => directories().length === snapshots.length || undefined;
  await poll(isSettled, { limitMs: 10_000, intervalMs: 10, what }).catch((error: unknown) => {
    throw new Error(`${directories().join(' ')} for ${snapshots.map(({ name }) => name).join(' ')}`, { cause: error });
  });
  for (const { name, kind } of snapshots) {
    if (kind === Kind.VIEW) continue;
    const isCommitted = kind === Kind.COMMITTED;
    assert.ok(existsSync(ownDirectory(isCommitted ? await overlay.view('agree', name) : await overlay.mounts(name))));
    if (isCommitted) await overlay.remove('agree');
  }
  const scratch = join(daemon().root, 'mounts');
  assert.deepEqual([readdirSync(scratch), mountPointsBelow(daemon().root)], [[], []]);
  await assertCheckClean(daemon());
}

async function collect(): Promise<void> {
  await daemon().call(LeasesService.create, { id: 'collect', labels: {} });
  await daemon().call(LeasesService.delete, { id: 'collect', sync: true });
}

async function committed(name: string, parent = ''): Promise<void> {
  writeFileSync(join(ownDirectory(await overlay.prepare(`${name}-active`, parent)), name), name);
  await overlay.commit(name, `${name}-active`);
}

for (const failpoint of ['snapshots.directory-made', 'snapshots.record-written']) {
  test(`a snapshot that was being made at ${failpoint} is there or not, and can be made again`, async () => {
    await committed('base');
    await diesAt(failpoint, () => overlay.prepare('active', 'base'));
    const isThere = failpoint === 'snapshots.record-written';
    assert.deepEqual(await overlay.keys(), isThere ? ['active', 'base'] : ['base']);
    if (!isThere) await overlay.prepare('active', 'base');
    await checkAgreement();
  });
}

test('directories of unfinished snapshots that a power failure took are made again, and can be used', async () => {
  await committed('base');
  chownSync(ownDirectory(await overlay.view('look', 'base')), 12, 34);
  const active = ownDirectory(await overlay.prepare('active', 'base'));
  const half = ownDirectory(await overlay.prepare('half', 'base'));
  writeFileSync(join(half, 'kept'), 'content');
  const view = await overlay.view('view', 'base');
  await daemon().kill9();
  rmSync(join(active, '..'), { recursive: true });
  rmSync(join(half, '../work'), { recursive: true });
  await daemon().start();
  mkdirSync(daemon().path('mount'));
  const mounts = await overlay.mounts('active');
  const { uid, gid } = statSync(ownDirectory(mounts));
  assert.deepEqual([uid, gid], [12, 34]);
  await mounted(mounts, daemon().path('mount'), () => {
    assert.deepEqual(readdirSync(daemon().path('mount')), ['base']);
    writeFileSync(daemon().path('mount', 'file'), 'content');
  });
  assert.deepEqual(await overlay.mounts('view'), view);
  await mounted(await overlay.mounts('half'), daemon().path('mount'), () => {
    assert.deepEqual(readdirSync(daemon().path('mount')).sort(), ['base', 'kept']);
  });
  assert.equal(daemon().log.match(/the directory of a snapshot was gone/g)?.length, 2);
});

for (const failpoint of ['snapshots.measured', 'snapshots.committed']) {
  test(`a snapshot that was being committed at ${failpoint} is the one or the other, with what was written`, async () => {
    writeFileSync(join(ownDirectory(await overlay.prepare('active')), 'file'), 'content');
    await diesAt(failpoint, () => overlay.commit('base', 'active'));
    const isCommitted = failpoint === 'snapshots.committed';
    assert.deepEqual(await overlay.keys(), isCommitted ? ['base'] : ['active']);
    if (!isCommitted) await overlay.commit('base', 'active');
    assert.equal((await overlay.usage('base')).inodes, 2n);
    const own = ownDirectory(await overlay.view('look', 'base'));
    assert.equal(readFileSync(join(own, 'file'), 'utf8'), 'content');
  });
}

for (const failpoint of ['snapshots.record-removed', 'snapshots.directory-renamed']) {
  test(`a snapshot that was being removed at ${failpoint} is gone, its directory too`, async () => {
    await committed('base');
    await overlay.prepare('active', 'base');
    await diesAt(failpoint, () => overlay.remove('active'));
    assert.deepEqual(await overlay.keys(), ['base']);
    await checkAgreement();
    await overlay.remove('base');
  });
}

for (const point of ['snapshots.record-removed:2', 'gc.snapshot-removed']) {
  test(`snapshots in whose collection the daemon dies at ${point} are gone, or go with the next`, async () => {
    for (const name of ['one', 'two', 'three']) await overlay.prepare(name, '', { labels: {} });
    await diesAt(point, collect);
    assert.ok((await overlay.keys()).length < 3);
    await checkAgreement();
    await collect();
    assert.deepEqual(await overlay.keys(), []);
  });
}

test('a layer that was being unpacked leaves a snapshot that can be removed, and no mount', async () => {
  await committed('base');
  const layer = await writeBlob(daemon(), rawTar([{ name: 'file', content: 'x' }]));
  const mounts = await overlay.prepare('active', 'base');
  await diesAt('diff.applied', () => overlay.apply(mounts, layer, plain));
  await overlay.remove('active');
  const again = await overlay.prepare('active', 'base');
  await overlay.apply(again, layer, plain);
  assert.deepEqual(readdirSync(ownDirectory(again)), ['file']);
});

test('a tree that was mounted for a diff is unmounted at the next start', async () => {
  await committed('base');
  await committed('other');
  const [left, right] = [await overlay.view('left', 'base'), await overlay.view('right', 'other')];
  const request = { left, right, mediaType: plain, ref: '', labels: rootLabel, sourceDateEpoch: undefined };
  await diesAt('disk.mounted:2', () => daemon().call(DiffService.diff, request));
  assert.deepEqual(mountPointsBelow(daemon().root), []);
  await diesAt('diff.packed', () => daemon().call(DiffService.diff, request));
  const { diff } = await daemon().call(DiffService.diff, request);
  assert.deepEqual(await listBlobs(daemon()), [diff?.digest]);
});
