// containerd.services.snapshots.v1 through the generated client. BERTH_TEST_SUBJECT=containerd checks that the real one
// does as these tests expect.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { SnapshotCommit, SnapshotPrepare, SnapshotRemove } from '../../src/generated/containerd/events/snapshot.js';
import { EventsService } from '../../src/generated/containerd/services/events/v1/events.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { NamespacesService } from '../../src/generated/containerd/services/namespaces/v1/namespace.js';
import { Kind } from '../../src/generated/containerd/services/snapshots/v1/snapshots.js';
import { rootLabel } from '../helpers/content.js';
import { isContainerd } from '../helpers/daemon.js';
import { refusedWith } from '../helpers/refused.js';
import { mounted, ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  const { leases } = await daemon().call(LeasesService.list, { filters: [] });
  for (const { id } of leases) await daemon().call(LeasesService.delete, { id, sync: true });
  for (const name of ['overlayfs', 'native']) await new Snapshots(daemon, name).removeAll();
  if (isContainerd) return;
  await overlay.cleanup();
  assert.deepEqual(snapshotDirectories(), []);
});

const daemon = useBerthd();
const overlay = new Snapshots(daemon);

/** On the disk, whoever may own them. */
function snapshotDirectories(): string[] {
  return readdirSync(join(daemon().root, 'snapshots'));
}

async function lease(id: string): Promise<{ lease: string }> {
  await daemon().call(LeasesService.create, { id, labels: {} });
  return { lease: id };
}

async function endLease(id: string): Promise<void> {
  await daemon().call(LeasesService.delete, { id, sync: true });
}

/** A committed snapshot with one file of its own name. */
async function committed(name: string, parent = '', snapshots = overlay): Promise<void> {
  const mounts = await snapshots.prepare(`${name}-active`, parent);
  writeFileSync(join(ownDirectory(mounts), name), name);
  await snapshots.commit(name, `${name}-active`);
}

for (const name of ['overlayfs', 'native']) {
  const snapshots = new Snapshots(daemon, name);

  test(`${name}: what is written into a snapshot is seen in those that stand on it`, async () => {
    await committed('base', '', snapshots);
    const mounts = await snapshots.prepare('child', 'base');
    assert.deepEqual(await snapshots.mounts('child'), mounts);
    const root = daemon().path('root-of-child');
    mkdirSync(root, { recursive: true });
    await mounted(mounts, root, () => {
      assert.equal(readFileSync(join(root, 'base'), 'utf8'), 'base');
      writeFileSync(join(root, 'own'), '');
      rmSync(join(root, 'base'));
    });
    await snapshots.commit('top', 'child');
    await mounted(await snapshots.view('look', 'top'), root, () => {
      assert.deepEqual(readdirSync(root), ['own']);
      assert.throws(() => writeFileSync(join(root, 'more'), ''), { code: 'EROFS' });
    });
    await mounted(await snapshots.view('base-look', 'base'), root, () => assert.deepEqual(readdirSync(root), ['base']));
  });

  test(`${name}: a snapshot's record says what it is`, async () => {
    await committed('base', '', snapshots);
    await snapshots.prepare('child', 'base', { labels: { ...rootLabel, a: '1', empty: '' } });
    await snapshots.view('look', 'base');
    const [base, child, look] = [
      await snapshots.stat('base'),
      await snapshots.stat('child'),
      await snapshots.stat('look'),
    ];
    assert.deepEqual([base.name, base.parent, base.kind], ['base', '', Kind.COMMITTED]);
    assert.deepEqual([child.parent, child.kind, child.labels], ['base', Kind.ACTIVE, { ...rootLabel, a: '1' }]);
    assert.deepEqual([look.parent, look.kind], ['base', Kind.VIEW]);
    assert.ok(child.createdAt !== undefined && child.createdAt.seconds > 1_600_000_000n);
    assert.deepEqual(child.createdAt, child.updatedAt);
    assert.deepEqual(await snapshots.list(), [base, child, look]);
  });

  test(`${name}: usage counts what is the snapshot's own, files with several names once`, async () => {
    const mounts = await snapshots.prepare('active');
    const own = ownDirectory(mounts);
    const { inodes: before } = await snapshots.usage('active');
    assert.equal(before, 1n);
    execFileSync('sh', [
      '-ec',
      'cd "$1"; mkdir d; head -c 100000 /dev/zero > d/file; ln d/file same; sync .',
      'sh',
      own,
    ]);
    const usage = await snapshots.usage('active');
    assert.equal(usage.inodes, 3n);
    assert.ok(usage.size >= 100_000n && usage.size < 130_000n, String(usage.size));
    await snapshots.commit('base', 'active');
    assert.deepEqual(await snapshots.usage('base'), usage);
    await snapshots.view('look', 'base');
    assert.deepEqual((await snapshots.usage('look')).inodes, 0n);
  });
}

test('each wrong request gets the status that containerd gives', async () => {
  await committed('base');
  await overlay.prepare('active', 'base');
  await overlay.view('look', 'base');
  const exists = (name: string) => refusedWith(status.ALREADY_EXISTS, new RegExp(`"?${name}"?.*already exists`));
  const missing = (name: string) =>
    refusedWith(status.NOT_FOUND, new RegExp(`${name} does not exist|"${name}".*not found`));
  const notActive = refusedWith(status.FAILED_PRECONDITION, /not active/);
  for (const make of [overlay.prepare.bind(overlay), overlay.view.bind(overlay)]) {
    await assert.rejects(make('active'), exists('active'));
    await assert.rejects(make('base'), exists('base'));
    await assert.rejects(make('new', 'nothing'), missing('nothing'));
    await assert.rejects(
      make('new', 'active'),
      refusedWith(status.INVALID_ARGUMENT, /"?.*active"? is not (a )?committed/),
    );
  }
  await assert.rejects(overlay.commit('base', 'active'), exists('base'));
  await assert.rejects(overlay.commit('active', 'active'), exists('active'));
  await assert.rejects(overlay.commit('new', 'nothing'), missing('nothing'));
  await assert.rejects(overlay.commit('new', 'look'), notActive);
  await assert.rejects(overlay.commit('new', 'base'), notActive);
  await assert.rejects(overlay.mounts('base'), refusedWith(status.FAILED_PRECONDITION, /not active or view/));
  await assert.rejects(
    overlay.remove('base'),
    refusedWith(status.FAILED_PRECONDITION, /cannot remove snapshot.* with child/),
  );
  for (const verb of ['stat', 'mounts', 'usage', 'remove'] as const) {
    await assert.rejects(overlay[verb]('nothing'), missing('nothing'));
  }
  await assert.rejects(overlay.update('nothing', {}), missing('nothing'));
  await assert.rejects(
    overlay.update('active', {}, ['parent']),
    refusedWith(status.INVALID_ARGUMENT, /cannot update "?parent"? field/),
  );
  await assert.rejects(overlay.update('', {}), refusedWith(status.INVALID_ARGUMENT, /./));
  await assert.rejects(
    overlay.list(['labels.x==']),
    refusedWith(isContainerd ? status.UNKNOWN : status.INVALID_ARGUMENT, /labels\.x==/),
  );
  const labels = { key: 'v'.repeat(5000) };
  await assert.rejects(overlay.prepare('new', '', { labels }), refusedWith(status.INVALID_ARGUMENT, /label/));
  const unknown = new Snapshots(daemon, 'zfs');
  await assert.rejects(unknown.prepare('x'), refusedWith(status.INVALID_ARGUMENT, /snapshotter not loaded: zfs/));
  assert.deepEqual(await overlay.keys(), ['active', 'base', 'look']);
});

test('without a snapshotter’s name the first that works is used, and keys may be any text', {
  skip: isContainerd,
}, async () => {
  const unnamed = new Snapshots(daemon, '');
  const key = 'extract-1/é ✓ "quoted" sha256:0123';
  await unnamed.prepare(key);
  assert.deepEqual(await overlay.keys(), [key]);
  assert.equal((await unnamed.stat(key)).name, key);
  await assert.rejects(overlay.prepare(''), refusedWith(status.INVALID_ARGUMENT, /must have a key/));
  await assert.rejects(overlay.prepare('k'.repeat(5000)), refusedWith(status.INVALID_ARGUMENT, /more than 4096 bytes/));
});

test('labels are replaced, set and removed one by one', async () => {
  await overlay.prepare('active', '', { labels: { ...rootLabel, a: '1', b: '2' } });
  const before = await overlay.stat('active');
  const after = await overlay.update('active', { a: '3', c: '4' }, ['labels.a', 'labels.b']);
  assert.deepEqual(after.labels, { ...rootLabel, a: '3' });
  assert.deepEqual(after.createdAt, before.createdAt);
  assert.notDeepEqual(after.updatedAt, before.updatedAt);
  assert.deepEqual(await overlay.stat('active'), after);
  const whole = { ...rootLabel, only: 'this' };
  assert.deepEqual((await overlay.update('active', whole, ['labels'])).labels, whole);
  assert.deepEqual((await overlay.update('active', { ...whole, x: '' })).labels, whole);
});

test('filters choose by name, kind, parent and label', async () => {
  await committed('base');
  await committed('other');
  await overlay.prepare('active', 'base', { labels: { ...rootLabel, tier: 'front' } });
  await overlay.view('look', 'base', { labels: { ...rootLabel, tier: 'back' } });
  assert.deepEqual(await overlay.keys(['kind==committed']), ['base', 'other']);
  assert.deepEqual(await overlay.keys(['kind==active', 'kind==view']), ['active', 'look']);
  assert.deepEqual(await overlay.keys(['name==base']), ['base']);
  assert.deepEqual(await overlay.keys(['labels.tier==front']), ['active']);
  assert.deepEqual(await overlay.keys(['labels.tier']), ['active', 'look']);
  // containerd compares with its own inner names of parents here.
  if (!isContainerd) assert.deepEqual(await overlay.keys(['parent==base']), ['active', 'look']);
});

test('more snapshots than one message holds are all listed', async () => {
  const keys = Array.from({ length: 230 }, (_, index) => `k${String(index).padStart(3, '0')}`);
  await Promise.all(keys.map((key) => overlay.prepare(key)));
  assert.deepEqual(await overlay.keys(), keys);
});

test('namespaces do not see each other’s snapshots, and one that has some is not empty', async () => {
  const other = { namespace: `${daemon().namespace}-b` };
  await overlay.prepare('same');
  await overlay.prepare('same', '', other);
  writeFileSync(join(ownDirectory(await overlay.mounts('same')), 'first'), '');
  assert.deepEqual(readdirSync(ownDirectory(await overlay.mounts('same', other))), []);
  await assert.rejects(overlay.prepare('new', 'base', other), refusedWith(status.NOT_FOUND, /base does not exist/));
  await assert.rejects(
    daemon().call(NamespacesService.delete, { name: other.namespace }),
    refusedWith(status.FAILED_PRECONDITION, /must be empty, but it still has snapshots/),
  );
  await overlay.removeAll(other);
  assert.deepEqual(await overlay.keys(), ['same']);
  await daemon().call(NamespacesService.delete, { name: other.namespace });
});

test('a snapshot whose target is there already is not made', async () => {
  await committed('target');
  const labels = { ...rootLabel, 'containerd.io/snapshot.ref': 'target' };
  const exists = refusedWith(status.ALREADY_EXISTS, /target snapshot "target".*already exists/);
  await assert.rejects(overlay.prepare('extract', '', { labels }), exists);
  assert.deepEqual(await overlay.keys(), ['target']);
  await overlay.prepare('extract', '', { labels: { ...labels, 'containerd.io/snapshot.ref': 'another' } });
  assert.equal((await overlay.stat('extract')).labels['containerd.io/snapshot.ref'], 'another');
});

test('a lease keeps what is made under it, its parents too, until it ends', async () => {
  const held = await lease('holds');
  await overlay.prepare('base-active', '', held);
  await overlay.commit('base', 'base-active', held);
  await overlay.prepare('child', 'base', held);
  await overlay.prepare('unheld', '', { labels: {} });
  const { resources } = await daemon().call(LeasesService.listResources, { id: 'holds' });
  assert.deepEqual(resources.map(({ type, id }) => `${type} ${id}`).sort(), [
    'snapshots/overlayfs base',
    'snapshots/overlayfs child',
  ]);
  await lease('collect');
  await endLease('collect');
  assert.deepEqual(await overlay.keys(), ['base', 'child']);
  await overlay.remove('child', held);
  const { resources: left } = await daemon().call(LeasesService.listResources, { id: 'holds' });
  assert.equal(left.length, 1);
  await endLease('holds');
  assert.deepEqual(await overlay.keys(), []);
});

test('a lease that is not there holds nothing, and nothing is made', async () => {
  await assert.rejects(overlay.prepare('active', '', { lease: 'gone' }), refusedWith(status.NOT_FOUND, /lease/));
  assert.deepEqual(await overlay.keys(), []);
});

test('prepare, commit and remove are told as events, views are not', async () => {
  const stream = daemon().stream(EventsService.subscribe, { filters: ['topic~=/snapshot/'] });
  const topics = () => stream.received.map(({ topic }) => topic);
  await overlay.prepare('warm-up');
  await poll(() => topics().length > 0 || undefined, { limitMs: 5000, intervalMs: 10, what: 'the first event' });
  await overlay.remove('warm-up');
  await overlay.prepare('active', '');
  await overlay.commit('base', 'active');
  await overlay.view('look', 'base');
  await overlay.remove('look');
  const expected = ['prepare', 'remove', 'prepare', 'commit', 'remove'].map((verb) => `/snapshot/${verb}`);
  await poll(() => topics().length >= expected.length || undefined, { limitMs: 5000, intervalMs: 10, what: 'events' });
  stream.cancel();
  assert.deepEqual(topics(), expected);
  const values = stream.received.map(({ event }) => event?.value ?? Buffer.alloc(0));
  assert.equal(SnapshotPrepare.decode(values[2] ?? Buffer.alloc(0)).key, 'active');
  const commit = SnapshotCommit.decode(values[3] ?? Buffer.alloc(0));
  assert.deepEqual([commit.key, commit.name], ['active', 'base']);
  assert.equal(SnapshotRemove.decode(values[4] ?? Buffer.alloc(0)).key, 'look');
});

test('of many who ask for one key at once, one gets it', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 20 }, () => overlay.prepare('wanted')));
  assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.deepEqual(await overlay.keys(), ['wanted']);
});

test('a parent that is removed while children are made is gone before them, or stays', async () => {
  for (let round = 0; round < 10; round++) {
    await committed(`base${round}`);
    const outcomes = await Promise.allSettled([
      overlay.prepare(`child${round}`, `base${round}`),
      overlay.remove(`base${round}`),
      overlay.prepare(`second${round}`, `base${round}`),
    ]);
    const keys = await overlay.keys([`name~=${round}$`]);
    const isGone = outcomes[1]?.status === 'fulfilled';
    assert.deepEqual(keys, isGone ? [] : [`base${round}`, `child${round}`, `second${round}`]);
    await overlay.removeAll();
  }
});

test('a chain of two hundred snapshots can be mounted', { skip: isContainerd }, async () => {
  const length = 200;
  for (let at = 0; at < length; at++) await committed(`s${at}`, at === 0 ? '' : `s${at - 1}`);
  const root = daemon().path('root-of-chain');
  mkdirSync(root);
  const mounts = await overlay.prepare('top', `s${length - 1}`);
  await mounted(mounts, root, () => assert.equal(readdirSync(root).length, length));
});

test('records and files survive a daemon that is killed', { skip: isContainerd }, async () => {
  await committed('base');
  await overlay.prepare('child', 'base');
  const [before, mounts] = [await overlay.list(), await overlay.mounts('child')];
  await daemon().restart('SIGKILL');
  assert.deepEqual([await overlay.list(), await overlay.mounts('child')], [before, mounts]);
  await assert.rejects(overlay.remove('base'), refusedWith(status.FAILED_PRECONDITION, /with child/));
  await overlay.prepare('second', 'base');
  assert.notEqual(ownDirectory(await overlay.mounts('second')), ownDirectory(mounts));
});

test('a directory that is removed is gone from the disk after Cleanup', { skip: isContainerd }, async () => {
  const own = ownDirectory(await overlay.prepare('active'));
  for (let at = 0; at < 50; at++) writeFileSync(join(own, `file${at}`), 'x');
  await overlay.remove('active');
  await overlay.cleanup();
  assert.deepEqual([existsSync(own), snapshotDirectories()], [false, []]);
});
