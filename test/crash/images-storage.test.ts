// `kill -9` of the daemon while containers of images are mounted, exported and deleted: `berth check` finds nothing
// afterwards, nothing stays mounted that nobody asked for, and what was asked for can be asked again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { StorageService } from '../../src/generated/berth/v1/storage.js';
import { mountPointsBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { image, StorageCrash } from '../helpers/storage-crash.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => await crash.clear());

const daemon = useBerthd();
const crash = new StorageCrash(daemon);

test('an export, and a death with its mount in place', async () => {
  await crash.haveImage();
  await crash.berth('run', '--name', 'box', image);
  await crash.diesAt('disk.mounted', 'export', '-f', daemon().path('box.tar'), 'box');
  assert.ok(!existsSync(daemon().path('box.tar')));
  await crash.berth('export', '-f', daemon().path('box.tar'), 'box');
});

test('a mount is there when it is on record, and else is not', async () => {
  await crash.haveImage();
  await crash.berth('run', '--name', 'box', image);
  const shown = () => mountPointsBelow(join(daemon().state, 'mounts')).length;
  await crash.diesAt('storage.mounted', 'mount', 'box');
  assert.equal(shown(), 0);
  await crash.diesAt('storage.mount-recorded', 'mount', 'box');
  assert.equal(shown(), 1);
  await crash.diesAt('storage.unmounted', 'unmount', 'box');
  assert.equal(shown(), 0);
  const { mounts } = await daemon().call(StorageService.listMounts, {});
  assert.deepEqual(mounts, []);
});

test('a container whose deletion was cut short leaves no directory', async () => {
  await crash.haveImage();
  await crash.berth('run', '--name', 'box', image);
  await daemon().ctr(['task', 'delete', 'box']);
  const { workDirectory, runDirectory } = await daemon().call(StorageService.directories, { containerId: 'box' });
  await crash.diesAt('container-deleted', 'rm', 'box');
  assert.ok(!existsSync(workDirectory) && !existsSync(runDirectory));
});

test("check finds and mends a mount that a hand took away, and a directory that is nobody's", async () => {
  await crash.haveImage();
  await crash.berth('run', '--name', 'box', image);
  const path = (await crash.berth('mount', 'box')).trim();
  execFileSync('umount', [path]);
  execFileSync('mkdir', ['-p', join(daemon().root, 'containers', daemon().namespace, 'nobody')]);
  const { code, stdout } = await daemon().berth(['check']);
  assert.equal(code, 1);
  assert.match(stdout, /root-mounts-agree/);
  assert.match(stdout, /directories-have-containers/);
  await daemon().berth(['check', '--repair']);
  await assertCheckClean(daemon());
});
