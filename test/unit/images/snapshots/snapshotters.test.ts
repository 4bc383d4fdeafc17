// What snapshotters make and tell, by containerd's rules; and the directories that no record names.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { SnapshotKind, SnapshotRecord } from '../../../../src/domain/snapshot.js';
import { DiskPool } from '../../../../src/images/disk/disk-pool.js';
import { NativeSnapshotter } from '../../../../src/images/snapshots/native-snapshotter.js';
import { OverlaySnapshotter } from '../../../../src/images/snapshots/overlay-snapshotter.js';
import { probeOverlay } from '../../../../src/images/snapshots/overlay-support.js';
import { SnapshotDirectories } from '../../../../src/images/snapshots/snapshot-directories.js';
import { quietLog } from '../../../helpers/quiet-log.js';

let root: string;
let pool: DiskPool;
let directories: SnapshotDirectories;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'berth-snap-'));
  pool = new DiskPool({ maxThreads: 1 });
  directories = await SnapshotDirectories.open(root, pool, quietLog);
});

afterEach(async () => {
  await directories.settled();
  await pool.close();
  rmSync(root, { recursive: true });
});

function record(directory: number, kind: SnapshotKind): SnapshotRecord {
  const times = { createdAt: 0n, updatedAt: 0n };
  return { namespace: 'n', snapshotter: 's', key: `k${directory}`, parent: '', kind, directory, labels: {}, ...times };
}

const at = (...names: (string | number)[]) => join(root, 'snapshots', ...names.map(String));
const overlay = (options: readonly string[] = ['index=off']) =>
  new OverlaySnapshotter(directories, { options, failure: undefined });

test('an overlay of active snapshots and views is told as containerd tells it', () => {
  const snapshotter = overlay();
  const [three, two, one] = [record(3, 'active'), record(2, 'committed'), record(1, 'committed')];
  const bind = (number: number, mode: string) => ({ type: 'bind', source: at(number, 'fs'), options: [mode, 'rbind'] });
  assert.deepEqual(snapshotter.mounts(three, []), [bind(3, 'rw')]);
  assert.deepEqual(snapshotter.mounts({ ...three, kind: 'view' }, []), [bind(3, 'ro')]);
  assert.deepEqual(snapshotter.mounts({ ...three, kind: 'view' }, [two]), [bind(2, 'ro')]);
  const lower = `lowerdir=${at(2, 'fs')}:${at(1, 'fs')}`;
  assert.deepEqual(snapshotter.mounts({ ...three, kind: 'view' }, [two, one]), [
    { type: 'overlay', source: 'overlay', options: ['index=off', lower] },
  ]);
  assert.deepEqual(snapshotter.mounts(three, [two, one]), [
    {
      type: 'overlay',
      source: 'overlay',
      options: ['index=off', `workdir=${at(3, 'work')}`, `upperdir=${at(3, 'fs')}`, lower],
    },
  ]);
  const options = overlay(['index=off', 'userxattr']).mounts(three, [two])[0]?.options ?? [];
  assert.deepEqual(options.slice(0, 2), ['index=off', 'userxattr']);
});

test('a hundred layers fit the options of one mount', () => {
  const parents = Array.from({ length: 100 }, (_, index) => record(index + 1, 'committed'));
  const directoriesOfRoot = new OverlaySnapshotter(
    { path: (number: number) => `/var/lib/berth/snapshots/${number}` } as SnapshotDirectories,
    { options: ['index=off'], failure: undefined },
  );
  const options = directoriesOfRoot.mounts(record(101, 'active'), parents)[0]?.options.join(',') ?? '';
  assert.ok(options.length < 4096, String(options.length));
});

test('an upper directory is owned as the one below, and only active snapshots can be worked in', async () => {
  const snapshotter = overlay();
  const first = await directories.make();
  await snapshotter.prepare({ kind: 'active', directory: first }, []);
  chownSync(at(first, 'fs'), 12, 34);
  chmodSync(at(first, 'fs'), 0o700);
  const second = await directories.make();
  await snapshotter.prepare({ kind: 'view', directory: second }, [record(first, 'committed')]);
  assert.deepEqual(readdirSync(at(first)).sort(), ['fs', 'work']);
  assert.deepEqual(readdirSync(at(second)), ['fs']);
  const { uid, gid, mode } = statSync(at(second, 'fs'));
  assert.deepEqual([uid, gid, mode & 0o777], [12, 34, 0o755]);
});

test('a native snapshot is a copy of its parent, a view of it the parent itself', async () => {
  const snapshotter = new NativeSnapshotter(directories, pool);
  const first = await directories.make();
  await snapshotter.prepare({ kind: 'active', directory: first }, []);
  writeFileSync(at(first, 'fs/file'), 'x');
  const parents = [record(first, 'committed')];
  const [second, third] = [await directories.make(), await directories.make()];
  await snapshotter.prepare({ kind: 'active', directory: second }, parents);
  await snapshotter.prepare({ kind: 'view', directory: third }, parents);
  assert.deepEqual([readdirSync(at(second, 'fs')), readdirSync(at(third, 'fs'))], [['file'], []]);
  const source = (number: number, mode: string) => [
    { type: 'bind', source: at(number, 'fs'), options: [mode, 'rbind'] },
  ];
  assert.deepEqual(snapshotter.mounts(record(second, 'active'), parents), source(second, 'rw'));
  assert.deepEqual(snapshotter.mounts(record(third, 'view'), parents), source(first, 'ro'));
  assert.deepEqual(snapshotter.mounts(record(third, 'view'), []), source(third, 'ro'));
});

test('directories that no record names go at the start, and no number is used twice', async () => {
  for (const name of ['3', '7', 'removed-9', 'lost+found']) mkdirSync(at(name, 'fs/deep'), { recursive: true });
  await directories.sweep(new Set([3]));
  await directories.settled();
  assert.deepEqual(readdirSync(at()).sort(), ['3', 'lost+found']);
  assert.equal(await directories.make(), 10);
  assert.deepEqual([await directories.exists(10), await directories.exists(7)], [true, false]);
});

test('a directory is gone at once when it is removed, also when it was gone before', async () => {
  const number = await directories.make();
  await directories.remove(number);
  assert.equal(await directories.exists(number), false);
  await directories.remove(number);
});

test('a directory is under way until a record names it, and while it is taken away', async () => {
  const making = directories.make();
  assert.ok(directories.isUnderWay(1));
  assert.equal(await making, 1);
  assert.ok(directories.isUnderWay(1));
  directories.recorded(1);
  assert.ok(!directories.isUnderWay(1));
  const removing = directories.remove(1);
  assert.ok(directories.isUnderWay(1));
  await removing;
  assert.ok(!directories.isUnderWay(1));
  mkdirSync(at(2));
  await assert.rejects(directories.make(), { code: 'EEXIST' });
  assert.ok(!directories.isUnderWay(2));
});

test('only what is named by a plain number is listed', async () => {
  for (const name of ['3', '12', 'removed-9', 'lost+found', '007', '1e3', '0', '-4']) mkdirSync(at(name));
  assert.deepEqual(
    (await directories.list()).sort((a, b) => a - b),
    [3, 12],
  );
});

test('overlays are probed by mounting one', () => {
  const scratch = join(root, 'scratch');
  mkdirSync(scratch);
  assert.equal(probeOverlay(scratch).failure, undefined);
  assert.match(probeOverlay(join(root, 'missing')).failure ?? '', /ENOENT/);
});
