// Layers that are seldom seen, unpacked by Berth and by the real containerd: sparse files as GNU tar packs them, and hard links
// to what a layer below has.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { digestOf, writeBlob } from '../helpers/content.js';
import { startContainerd, type TestDaemon } from '../helpers/daemon.js';
import { describeTree } from '../helpers/file-tree.js';
import { type RawEntry, rawTar } from '../helpers/raw-tar.js';
import { isServiceError } from '../helpers/rpc.js';
import { ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  for (const subject of [daemon(), reference]) {
    for (const name of ['overlayfs', 'native']) await new Snapshots(() => subject, name).removeAll();
  }
});

const daemon = useBerthd();

let reference: TestDaemon;
let scratch: string;

before(async () => {
  reference = await startContainerd();
  scratch = mkdtempSync(join(tmpdir(), 'berth-sparse-'));
});

after(async () => {
  await reference.dispose();
  rmSync(scratch, { recursive: true });
});

const plain = 'application/vnd.oci.image.layer.v1.tar';

type Unpacked = 'refused' | ReadonlyMap<string, string>;

/** Unpacks the layers on each other, and tells what the last snapshot holds itself. */
async function unpacked(subject: TestDaemon, layers: readonly Buffer[], snapshotter = 'overlayfs'): Promise<Unpacked> {
  const snapshots = new Snapshots(() => subject, snapshotter);
  await snapshots.removeAll();
  let parent = '';
  let own = '';
  for (const [index, layer] of layers.entries()) {
    const digest = await writeBlob(subject, layer, { ref: digestOf(layer) }).catch(() => digestOf(layer));
    const mounts = await snapshots.prepare(`active-${index}`, parent);
    try {
      await snapshots.apply(mounts, digest, plain);
    } catch (error) {
      if (isServiceError(error)) return 'refused';
      throw error;
    }
    own = ownDirectory(mounts);
    parent = `layer-${index}`;
    await snapshots.commit(parent, `active-${index}`);
  }
  // In copies of directories containerd leaves the time of the moment.
  const withoutTime = (line: string) => (line.startsWith('directory') ? line.replace(/ time=\S+/, '') : line);
  return new Map([...describeTree(own)].map(([name, line]) => [name, withoutTime(line)]));
}

/** What both daemons make of the layers, which must be the same. */
async function same(layers: readonly Buffer[], snapshotter?: string): Promise<Unpacked> {
  const ours = await unpacked(daemon(), layers, snapshotter);
  assert.deepEqual(ours, await unpacked(reference, layers, snapshotter));
  return ours;
}

const sparseFiles = `
truncate -s 1M holes; printf abc | dd of=holes bs=1 seek=300000 conv=notrunc status=none
truncate -s 100k hole; truncate -s 3M many; echo plain > plain
for i in $(seq 0 60); do printf x$i | dd of=many bs=1 seek=$((i*40000)) conv=notrunc status=none; done
`;

test('sparse files of GNU tar are unpacked as containerd unpacks them, and take no more room than they did', async () => {
  execFileSync('bash', ['-ec', sparseFiles], { cwd: scratch });
  const names = ['hole', 'holes', 'many', 'plain'];
  const pack = (...flags: string[]): Buffer =>
    execFileSync('tar', ['--sparse', ...flags, '--numeric-owner', '-C', scratch, '-c', ...names]);
  for (const version of ['0.0', '0.1', '1.0']) {
    const tree = await same([pack('--format=pax', `--sparse-version=${version}`)]);
    assert.ok(tree !== 'refused', version);
    // Versions 0.1 and 1.0 have directories of GNU tar's in the names that other readers see.
    assert.deepEqual([...tree.keys()].sort(), names, version);
    const directory = ownDirectory(await new Snapshots(daemon).view('look', 'layer-0'));
    for (const name of names) {
      execFileSync('cmp', [join(scratch, name), join(directory, name)]);
      assert.ok(statSync(join(directory, name)).blocks <= statSync(join(scratch, name)).blocks, `${version} ${name}`);
    }
  }
  assert.equal(await same([pack('--format=gnu')]), 'refused');
});

test('a hard link to a file of a layer below is made where containerd makes it, and refused where it does not', async () => {
  const file = { name: 'dir/file', content: 'base', mode: 0o640, uid: 3, gid: 4 };
  const directory = { name: 'dir/', type: '5', mode: 0o755 };
  const base = rawTar([directory, file, { name: 'sym', type: '2', linkName: 'dir' }]);
  const link = (linkName: string): RawEntry => ({ name: 'new', type: '1', linkName, mode: 0o640, uid: 3, gid: 4 });
  const onBase = async (entries: readonly RawEntry[], snapshotter: string) => {
    const tree = await same([base, rawTar(entries)], snapshotter);
    return tree === 'refused' ? tree : tree.get('new')?.replace(/.* /, '');
  };
  // A layer over an overlay is unpacked into a directory that has nothing of those below.
  assert.equal(await onBase([link('dir/file')], 'overlayfs'), 'refused');
  assert.equal(await onBase([link('sym/file')], 'overlayfs'), 'refused');
  // Where the layer itself has the file again, as Docker's have, the link is to that.
  assert.equal(
    await onBase([directory, { ...file, content: 'again' }, link('dir/file')], 'overlayfs'),
    'same-as=dir/file',
  );
  // A native snapshot begins with a copy of its parent.
  assert.equal(await onBase([link('dir/file')], 'native'), 'same-as=dir/file');
  assert.equal(await onBase([link('sym/file')], 'native'), 'same-as=dir/file');
  assert.equal(await onBase([{ name: 'dir/.wh.file' }, link('dir/file')], 'native'), 'refused');
  for (const snapshotter of ['overlayfs', 'native']) assert.equal(await onBase([link('none')], snapshotter), 'refused');
});
