// File trees that Berth unpacks are those that the real containerd unpacks from the same layers: by the API, and by
// `ctr image pull` from a real registry.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { digestOf, writeBlob } from '../helpers/content.js';
import { startContainerd, type TestDaemon } from '../helpers/daemon.js';
import { describeTree } from '../helpers/file-tree.js';
import { makeCorpus } from '../helpers/layer-corpus.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { runProgram } from '../helpers/program.js';
import { Registry } from '../helpers/registry.js';
import { mounted, ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  for (const subject of [daemon(), reference]) {
    const { images } = await subject.call(ImagesService.list, { filters: [] });
    for (const { name } of images) await subject.call(ImagesService.delete, { name, sync: true, target: undefined });
    for (const name of ['overlayfs', 'native']) await new Snapshots(() => subject, name).removeAll();
  }
});

const daemon = useBerthd();

let reference: TestDaemon;
let registry: Registry;
let layers: readonly Buffer[];
let scratch: string;
let layout: string;

before(async () => {
  reference = await startContainerd();
  registry = await Registry.start();
  scratch = mkdtempSync(join(tmpdir(), 'berth-corpus-'));
  layers = makeCorpus(scratch);
  layout = join(scratch, 'layout');
  const oci = await OciLayout.create(layout);
  await oci.finish(await oci.image(layers));
});

after(async () => {
  await registry.stop();
  await reference.dispose();
  rmSync(scratch, { recursive: true });
});

const types = {
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  none: 'application/vnd.oci.image.layer.v1.tar',
  docker: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};

/** What was made with the time of the moment shows none. */
const timesUntil = new Date(Date.now() - 60_000);

/** Unpacks the corpus, each layer on the one before; returns the snapshots' keys, the lowest first. */
async function unpackAll(
  subject: TestDaemon,
  { type, blobs, snapshotter = 'overlayfs' }: { type: string; blobs: readonly Buffer[]; snapshotter?: string },
): Promise<string[]> {
  const snapshots = new Snapshots(() => subject, snapshotter);
  const keys: string[] = [];
  for (const [index, blob] of blobs.entries()) {
    const digest = await writeBlob(subject, blob, { ref: `layer-${digestOf(blob)}` }).catch(() => digestOf(blob));
    const mounts = await snapshots.prepare(`active-${index}`, keys.at(-1));
    const applied = await snapshots.apply(mounts, digest, type);
    assert.equal(applied.mediaType, types.none);
    assert.equal(applied.digest, digestOf(layers[index] ?? Buffer.alloc(0)));
    assert.equal(applied.size, BigInt(layers[index]?.length ?? 0));
    await snapshots.commit(`layer-${index}`, `active-${index}`);
    keys.push(`layer-${index}`);
  }
  return keys;
}

/** What a committed snapshot holds itself, marks of an overlay included. */
async function ownTree(subject: TestDaemon, key: string, snapshotter = 'overlayfs'): Promise<Map<string, string>> {
  const snapshots = new Snapshots(() => subject, snapshotter);
  const mounts = await snapshots.view(`look-${key}`, key);
  const tree = describeTree(ownDirectory(mounts), { timesUntil });
  await snapshots.remove(`look-${key}`);
  return tree;
}

/** What a container on it would see. */
async function mergedTree(subject: TestDaemon, key: string, snapshotter = 'overlayfs'): Promise<Map<string, string>> {
  const snapshots = new Snapshots(() => subject, snapshotter);
  const root = subject.path('merged');
  mkdirSync(root, { recursive: true });
  const mounts = await snapshots.view(`merged-${key}`, key);
  const tree = await mounted(mounts, root, () => describeTree(root, { timesUntil }));
  await snapshots.remove(`merged-${key}`);
  return tree;
}

/** Parents that a layer only implies keep the time that they have below, where containerd leaves the moment's. */
function withoutUnsaidTimes(tree: Map<string, string>, others: Map<string, string>): Record<string, string> {
  const lines = [...tree].map(([name, line]) => {
    const isUnsaid = (others.get(name) ?? '').includes('time=*');
    return [name, isUnsaid ? line.replace(/time=\S+/, 'time=*') : line] as const;
  });
  return Object.fromEntries(lines);
}

async function assertSame(tree: (subject: TestDaemon) => Promise<Map<string, string>>, atLeast: number): Promise<void> {
  const [ours, theirs] = [await tree(daemon()), await tree(reference)];
  assert.ok(theirs.size >= atLeast, `${theirs.size} files`);
  assert.deepEqual(withoutUnsaidTimes(ours, theirs), Object.fromEntries(theirs));
}

async function compressed(how: keyof typeof types): Promise<Buffer[]> {
  if (how === 'none') return [...layers];
  if (how !== 'zstd') return layers.map((layer) => gzipSync(layer));
  return await Promise.all(
    layers.map(async (layer) => (await runProgram('zstd', ['-q', '-c', '-'], { input: layer })).stdoutBytes),
  );
}

for (const how of ['gzip', 'zstd', 'none', 'docker'] as const) {
  test(`layers (${how}) are unpacked as containerd unpacks them`, async () => {
    const blobs = await compressed(how);
    for (const subject of [daemon(), reference]) await unpackAll(subject, { type: types[how], blobs });
    await assertSame((subject) => ownTree(subject, 'layer-0'), 1000);
    await assertSame((subject) => ownTree(subject, 'layer-1'), 10);
    await assertSame((subject) => ownTree(subject, 'layer-2'), 15);
    await assertSame((subject) => mergedTree(subject, 'layer-2'), 1020);
  });
}

test('layers are unpacked into plain directories as containerd unpacks them', async () => {
  const blobs = await compressed('gzip');
  const options = { type: types.gzip, blobs, snapshotter: 'native' };
  for (const subject of [daemon(), reference]) await unpackAll(subject, options);
  for (const key of ['layer-0', 'layer-1', 'layer-2']) {
    await assertSame((subject) => mergedTree(subject, key, 'native'), 1000);
  }
});

test('an image is pulled from a registry, unpacked and run', async () => {
  await registry.push(layout, 'corpus:1');
  const name = registry.reference('corpus:1');
  for (const subject of [daemon(), reference]) {
    const { code, stderr } = await subject.ctr(['image', 'pull', '--plain-http', name], { limitMs: 60_000 });
    assert.equal(code, 0, stderr);
    const check = await subject.ctr(['image', 'check', '--quiet']);
    assert.equal(check.stdout.trim(), name);
  }
  const top = async (subject: TestDaemon) => {
    const snapshots = await new Snapshots(() => subject).list();
    assert.equal(snapshots.length, 3);
    const parents = new Set(snapshots.map(({ parent }) => parent));
    return snapshots.find((snapshot) => !parents.has(snapshot.name))?.name ?? '';
  };
  assert.equal(await top(daemon()), await top(reference));
  await assertSame(async (subject) => await mergedTree(subject, await top(subject)), 1020);
});

test('a real user land is pulled, run, and mounted and unmounted by ctr', async () => {
  const busybox = daemon().path('busybox-layer');
  mkdirSync(busybox);
  const { stdoutBytes: layer } = await runProgram('tar', ['-C', daemon().rootfs, '-c', '.']);
  const directory = daemon().path('busybox-layout');
  const oci = await OciLayout.create(directory);
  await oci.finish(await oci.image([layer], 'amd64', { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] }));
  await registry.push(directory, 'busybox:1');
  const name = registry.reference('busybox:1');
  const pulled = await daemon().ctr(['image', 'pull', '--plain-http', name]);
  assert.equal(pulled.code, 0, pulled.stderr);
  const run = await daemon().ctr(['run', '--rm', name, 'from-image', 'sh', '-c', 'echo out; touch /new; exit 7']);
  assert.deepEqual([run.stdout, run.code], ['out\n', 7], run.stderr);
  const point = daemon().path('image-root');
  mkdirSync(point);
  const mount = await daemon().ctr(['image', 'mount', name, point]);
  assert.equal(mount.code, 0, mount.stderr);
  assert.ok(describeTree(point).has('bin/busybox'));
  const unmount = await daemon().ctr(['image', 'unmount', '--rm', point]);
  assert.equal(unmount.code, 0, unmount.stderr);
  assert.deepEqual(await new Snapshots(daemon).keys(['kind!=committed']), []);
});
