// `kill -9` of the daemon while images are unpacked, containers prepared, mounted, exported, committed and deleted: `berth
// check` finds nothing afterwards, nothing stays mounted that nobody asked for, and what was asked for can be asked again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { StorageService } from '../../src/generated/berth/v1/storage.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { mountPointsBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { busyboxLayer, importImage, layerOf, removeImages } from '../helpers/images.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  const { containers } = await daemon().call(ContainersService.list, { filters: [] });
  for (const { id } of containers) await daemon().berth(['rm', '-f', id]);
  await removeImages(daemon());
  await assertCheckClean(daemon());
});

const daemon = useBerthd();
const image = 'docker.io/example/app:1';

async function haveImage(): Promise<void> {
  const layers = [busyboxLayer(daemon()), layerOf(daemon(), { 'data/file': 'x' })];
  const config = { Cmd: ['true'], Volumes: { '/data': {} } };
  await importImage(daemon(), image, (layout) => layout.image(layers, 'amd64', config));
}

async function berth(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().berth(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** The daemon dies at `failpoint` during `berth ARGS`, and runs again with everything in order. */
async function diesAt(failpoint: string, ...args: string[]): Promise<void> {
  await daemon().kill9();
  await daemon().start({ BERTH_FAILPOINT: failpoint });
  assert.notEqual((await daemon().berth(args)).code, 0, failpoint);
  await daemon().died();
  await daemon().start();
  assert.deepEqual(mountPointsBelow(join(daemon().root, 'mounts')), []);
  await assertCheckClean(daemon());
}

for (const failpoint of [
  'disk.mounted',
  'diff.applied',
  'unpack.applied',
  'snapshots.committed',
  'prepare.snapshot-made',
  'prepare.volumes-made',
]) {
  test(`a container of an image, and a death at ${failpoint}`, async () => {
    await haveImage();
    await diesAt(failpoint, 'run', '--rm', '--name', 'box', image, 'cat', '/data/file');
    assert.equal(await berth('run', '--rm', '--name', 'box', image, 'cat', '/data/file'), 'x');
  });
}

for (const failpoint of ['diff.packed', 'commit.layer-made', 'commit.manifest-written', 'commit.unpacked']) {
  test(`a commit, and a death at ${failpoint}`, async () => {
    await haveImage();
    await berth('run', '--name', 'box', image, 'sh', '-c', 'echo mine > /own');
    await diesAt(failpoint, 'commit', 'box', 'mine');
    const { images } = await daemon().call(ImagesService.list, { filters: [] });
    assert.deepEqual(
      images.map(({ name }) => name),
      [image],
    );
    await berth('commit', 'box', 'mine');
    assert.equal(await berth('run', '--rm', 'mine', 'cat', '/own'), 'mine\n');
  });
}

test('an export, and a death with its mount in place', async () => {
  await haveImage();
  await berth('run', '--name', 'box', image);
  await diesAt('disk.mounted', 'export', '-f', daemon().path('box.tar'), 'box');
  assert.ok(!existsSync(daemon().path('box.tar')));
  await berth('export', '-f', daemon().path('box.tar'), 'box');
});

test('a mount is there when it is on record, and else is not', async () => {
  await haveImage();
  await berth('run', '--name', 'box', image);
  const shown = () => mountPointsBelow(join(daemon().state, 'mounts')).length;
  await diesAt('storage.mounted', 'mount', 'box');
  assert.equal(shown(), 0);
  await diesAt('storage.mount-recorded', 'mount', 'box');
  assert.equal(shown(), 1);
  await diesAt('storage.unmounted', 'unmount', 'box');
  assert.equal(shown(), 0);
  const { mounts } = await daemon().call(StorageService.listMounts, {});
  assert.deepEqual(mounts, []);
});

test('a container whose deletion was cut short leaves no directory', async () => {
  await haveImage();
  await berth('run', '--name', 'box', image);
  await daemon().ctr(['task', 'delete', 'box']);
  const { workDirectory, runDirectory } = await daemon().call(StorageService.directories, { containerId: 'box' });
  await diesAt('container-deleted', 'rm', 'box');
  assert.ok(!existsSync(workDirectory) && !existsSync(runDirectory));
});

test("check finds and mends a mount that a hand took away, and a directory that is nobody's", async () => {
  await haveImage();
  await berth('run', '--name', 'box', image);
  const path = (await berth('mount', 'box')).trim();
  execFileSync('umount', [path]);
  execFileSync('mkdir', ['-p', join(daemon().root, 'containers', daemon().namespace, 'nobody')]);
  const { code, stdout } = await daemon().berth(['check']);
  assert.equal(code, 1);
  assert.match(stdout, /root-mounts-agree/);
  assert.match(stdout, /directories-have-containers/);
  await daemon().berth(['check', '--repair']);
  await assertCheckClean(daemon());
});
