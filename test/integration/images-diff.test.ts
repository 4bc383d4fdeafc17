// containerd.services.diff.v1: layers out of snapshots and back, what each wrong request gets, and that nothing is left
// behind by those that fail.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { type DiffRequest, DiffService } from '../../src/generated/containerd/services/diff/v1/diff.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { VersionService } from '../../src/generated/containerd/services/version/v1/version.js';
import type { Descriptor } from '../../src/generated/containerd/types/descriptor.js';
import type { Mount } from '../../src/generated/containerd/types/mount.js';
import { mountPointsBelow } from '../../src/linux/mount.js';
import { digestOf, listBlobs, readBlob, rootLabel, writeBlob } from '../helpers/content.js';
import { startContainerd, type TestDaemon } from '../helpers/daemon.js';
import { describeTree } from '../helpers/file-tree.js';
import { rawTar } from '../helpers/raw-tar.js';
import { refusedWith } from '../helpers/refused.js';
import type { RpcOptions } from '../helpers/rpc.js';
import { mounted, ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  for (const subject of [daemon(), reference]) {
    const { leases } = await subject.call(LeasesService.list, { filters: [] });
    for (const { id } of leases) await subject.call(LeasesService.delete, { id, sync: true });
    for (const name of ['overlayfs', 'native']) await new Snapshots(() => subject, name).removeAll();
    for (const digest of await listBlobs(subject)) await subject.call(ContentService.delete, { digest });
  }
  const scratch = join(daemon().root, 'mounts');
  assert.deepEqual([readdirSync(scratch), mountPointsBelow(scratch)], [[], []], 'temporary mounts are gone');
});

const daemon = useBerthd({ config: 'unpack_max_bytes = 50_000_000' });
const overlay = new Snapshots(daemon);
const native = new Snapshots(daemon, 'native');

let reference: TestDaemon;

before(async () => {
  reference = await startContainerd();
});

after(async () => {
  await reference.dispose();
});

const gzipped = 'application/vnd.oci.image.layer.v1.tar+gzip';
const plain = 'application/vnd.oci.image.layer.v1.tar';
const uncompressedLabel = 'containerd.io/uncompressed';

async function diff(
  left: Mount[],
  right: Mount[],
  {
    request = {},
    subject = daemon(),
    ...rpc
  }: RpcOptions & { request?: Partial<DiffRequest>; subject?: TestDaemon } = {},
): Promise<Descriptor> {
  const defaults = { mediaType: '', ref: '', labels: rootLabel, sourceDateEpoch: undefined };
  const answer = await subject.call(DiffService.diff, { left, right, ...defaults, ...request }, rpc);
  assert.ok(answer.diff);
  return answer.diff;
}

async function labelsOf(digest: string): Promise<Record<string, string>> {
  return (await daemon().call(ContentService.info, { digest })).info?.labels ?? {};
}

/** A base of several files, and an active snapshot on it in which something of every kind has changed. */
async function makeChanges(snapshots: Snapshots, subject = daemon()): Promise<Mount[]> {
  const base = ownDirectory(await snapshots.prepare('base-active'));
  const script = (directory: string, text: string) => execFileSync('bash', ['-ec', text], { cwd: directory });
  script(
    base,
    'mkdir -p etc usr/bin; echo a > etc/a; echo b > etc/b; echo t > usr/bin/tool; ln usr/bin/tool usr/bin/alias; mkfifo etc/fifo; find . -exec touch -h -d @1600000000 {} +',
  );
  await snapshots.commit('base', 'base-active');
  const mounts = await snapshots.prepare('changed', 'base');
  const root = subject.path(`changed-${snapshots.snapshotter}`);
  mkdirSync(root, { recursive: true });
  await mounted(mounts, root, () => {
    script(
      root,
      'rm etc/a; echo more >> etc/b; rm -r usr; mkdir usr; echo n > usr/new; ln usr/new linked; ln -s x link; chmod 700 etc; chown 5:6 etc/fifo',
    );
  });
  return mounts;
}

async function merged(subject: TestDaemon, mounts: Mount[]): Promise<Record<string, string>> {
  const root = subject.path('merged');
  mkdirSync(root, { recursive: true });
  const tree = await mounted(mounts, root, () => describeTree(root));
  // A layer keeps seconds; directories change when something is put into them.
  return Object.fromEntries(
    [...tree].map(([name, line]) => [
      name,
      line.replace(line.startsWith('directory') ? /time=\d+/ : /time=(\d+)\d{9}/, 'time=$1'),
    ]),
  );
}

/** The layer on the base again: the same files as where it was taken from. */
async function appliedOn(snapshots: Snapshots, subject: TestDaemon, layer: Buffer): Promise<Record<string, string>> {
  const digest = await writeBlob(subject, layer).catch(() => digestOf(layer));
  const mounts = await snapshots.prepare('again', 'base');
  await snapshots.apply(mounts, digest, gzipped);
  return await merged(subject, mounts);
}

for (const snapshots of [overlay, native]) {
  test(`${snapshots.snapshotter}: a layer of what changed makes the same of the base again`, async () => {
    const changed = await makeChanges(snapshots);
    const made = await diff(await snapshots.view('below', 'base'), changed);
    assert.equal(made.mediaType, gzipped);
    const layer = await readBlob(daemon(), made.digest);
    assert.equal(made.size, BigInt(layer.length));
    assert.equal((await labelsOf(made.digest))[uncompressedLabel], digestOf(gunzipSync(layer)));
    assert.deepEqual(await appliedOn(snapshots, daemon(), layer), await merged(daemon(), changed));
  });
}

test('containerd makes the same of a layer that Berth made, and Berth of one that containerd made', async () => {
  const theirs = new Snapshots(() => reference);
  const [ourChanges, theirChanges] = [await makeChanges(overlay), await makeChanges(theirs, reference)];
  const ourLayer = await readBlob(daemon(), (await diff(await overlay.view('below', 'base'), ourChanges)).digest);
  const theirDiff = await diff(await theirs.view('below', 'base'), theirChanges, { subject: reference });
  const theirLayer = await readBlob(reference, theirDiff.digest);
  assert.deepEqual(await appliedOn(theirs, reference, ourLayer), await merged(daemon(), ourChanges));
  assert.deepEqual(await appliedOn(overlay, daemon(), theirLayer), await merged(reference, theirChanges));
});

test('a committed snapshot and a whole tree make layers too, plain where asked', async () => {
  await makeChanges(overlay);
  await overlay.commit('top', 'changed');
  const [top, base] = [await overlay.view('look-top', 'top'), await overlay.view('look-base', 'base')];
  const layer = await diff(base, top, { request: { mediaType: plain } });
  const archive = await readBlob(daemon(), layer.digest);
  const listed = execFileSync('tar', ['-t'], { input: archive, encoding: 'utf8' }).split('\n');
  assert.ok(listed.includes('etc/.wh.a') && listed.includes('usr/.wh..wh..opq'), listed.join(' '));
  assert.equal((await labelsOf(layer.digest))[uncompressedLabel], undefined);
  const whole = await diff([], top, { request: { mediaType: plain } });
  const all = execFileSync('tar', ['-t'], { input: await readBlob(daemon(), whole.digest), encoding: 'utf8' });
  assert.deepEqual(all.split('\n').slice(0, -1), ['etc/', 'etc/b', 'etc/fifo', 'link', 'linked', 'usr/', 'usr/new']);
});

test('the same changes make the same layer, which is then not made twice', async () => {
  const changed = await makeChanges(overlay);
  const below = await overlay.view('below', 'base');
  const first = await diff(below, changed);
  assert.deepEqual(await diff(below, changed), first);
  await daemon().call(ContentService.update, {
    info: { digest: first.digest, labels: rootLabel, size: 0n, createdAt: undefined, updatedAt: undefined },
    updateMask: ['labels'],
  });
  await diff(below, changed);
  assert.ok((await labelsOf(first.digest))[uncompressedLabel]?.startsWith('sha256:'));
  const { statuses } = await daemon().call(ContentService.listStatuses, { filters: [] });
  assert.deepEqual(statuses, []);
});

test('no entry is later than asked', async () => {
  const changed = await makeChanges(overlay);
  const sourceDateEpoch = { seconds: 1_000_000_000n, nanos: 0 };
  const { digest } = await diff(await overlay.view('below', 'base'), changed, {
    request: { sourceDateEpoch, mediaType: plain },
  });
  const listed = execFileSync('tar', ['-tv', '--utc', '--full-time'], {
    input: await readBlob(daemon(), digest),
    encoding: 'utf8',
  });
  for (const line of listed.split('\n').slice(0, -1)) assert.match(line, / (2001-09-09 01:46:40|1970-01-01 00:00:00) /);
});

test('a lease holds the layer that is made under it', async () => {
  const changed = await makeChanges(overlay);
  const below = await overlay.view('below', 'base');
  await daemon().call(LeasesService.create, { id: 'holds', labels: {} });
  const { digest } = await diff(below, changed, { lease: 'holds', request: { labels: {} } });
  await daemon().call(LeasesService.create, { id: 'collect', labels: {} });
  await daemon().call(LeasesService.delete, { id: 'collect', sync: true });
  assert.deepEqual(await listBlobs(daemon()), [digest]);
  await daemon().call(LeasesService.delete, { id: 'holds', sync: true });
  assert.deepEqual(await listBlobs(daemon()), []);
});

test('a layer that cannot be made leaves no write behind', async () => {
  const changed = await makeChanges(overlay);
  const below = await overlay.view('below', 'base');
  const zstd = { mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' };
  await assert.rejects(
    diff(below, changed, { request: zstd }),
    refusedWith(status.UNIMPLEMENTED, /unsupported diff media type/),
  );
  const broken: Mount = { type: 'overlay', source: 'overlay', target: '', options: ['lowerdir=/nowhere:/nothing'] };
  await assert.rejects(diff([broken], changed), refusedWith(status.FAILED_PRECONDITION, /failed to mount/));
  const { statuses } = await daemon().call(ContentService.listStatuses, { filters: [] });
  assert.deepEqual([statuses, await listBlobs(daemon())], [[], []]);
});

test('each layer that cannot be applied gets a status that says why', async () => {
  const mounts = await overlay.prepare('active');
  const archive = rawTar([{ name: 'file' }]);
  const layer = await writeBlob(daemon(), archive);
  const apply = async (digest: string, type: string, on = mounts) => await overlay.apply(on, digest, type);
  await assert.rejects(apply(digestOf('none'), plain), refusedWith(status.NOT_FOUND, /content sha256:\w+: not found/));
  await assert.rejects(apply('none', plain), refusedWith(status.INVALID_ARGUMENT, /not a valid digest/));
  for (const type of ['text/plain', `${gzipped}+encrypted`, `${plain}+bzip2`, '']) {
    await assert.rejects(apply(layer, type), refusedWith(status.INVALID_ARGUMENT, /cannot be unpacked/));
  }
  await assert.rejects(apply(layer, plain, []), refusedWith(status.INVALID_ARGUMENT, /no mounts/));
  const elsewhere: Mount = { type: 'nosuchfs', source: 'x', target: '', options: [] };
  await assert.rejects(apply(layer, plain, [elsewhere]), refusedWith(status.FAILED_PRECONDITION, /failed to mount/));
  const wrongSize = { digest: layer, mediaType: plain, size: 1n, annotations: {} };
  const request = { diff: wrongSize, mounts, payloads: {}, syncFs: false };
  await assert.rejects(
    daemon().call(DiffService.apply, request),
    refusedWith(status.FAILED_PRECONDITION, /not 1 as its descriptor/),
  );
  await overlay.commit('base', 'active');
  const view = await overlay.view('look', 'base');
  await assert.rejects(apply(layer, plain, view), refusedWith(status.FAILED_PRECONDITION, /"file".*EROFS/));
});

test('bad layers are refused and touch nothing outside, and the next layer is fine', async () => {
  const outside = daemon().path('outside');
  writeFileSync(outside, 'kept');
  const bad = {
    'leads out of the layer': rawTar([{ name: '../../../../outside', content: 'x' }]),
    'links to what is not in the layer': rawTar([{ name: 'hard', type: '1', linkName: outside }]),
    'no valid tar archive': Buffer.alloc(5000, 'x'),
    'cannot be decompressed|no valid tar': gzipSync(Buffer.alloc(500_000)).subarray(0, 300),
    'hides nothing': rawTar([{ name: '.wh..' }]),
    'not supported': rawTar([{ name: 'sparse', type: 'S' }]),
  };
  const mounts = await overlay.prepare('active');
  for (const [pattern, blob] of Object.entries(bad)) {
    const digest = await writeBlob(daemon(), blob);
    await assert.rejects(
      overlay.apply(mounts, digest, gzipped),
      refusedWith(status.INVALID_ARGUMENT, new RegExp(pattern)),
    );
  }
  const bomb = await writeBlob(daemon(), gzipSync(rawTar([{ name: 'zeros', content: Buffer.alloc(60_000_000) }])));
  await assert.rejects(
    overlay.apply(mounts, bomb, gzipped),
    refusedWith(status.RESOURCE_EXHAUSTED, /more than 50000000 bytes uncompressed \(unpack_max_bytes\)/),
  );
  await overlay.remove('active');
  const fresh = await overlay.prepare('active');
  const through = rawTar([
    { name: 'link', type: '2', linkName: daemon().directory },
    { name: 'link/outside', content: 'x' },
  ]);
  const good = await writeBlob(daemon(), gzipSync(through));
  await assert.rejects(overlay.apply(fresh, good, plain), refusedWith(status.INVALID_ARGUMENT, /no valid tar/));
  await overlay.apply(fresh, good, gzipped);
  assert.ok(describeTree(ownDirectory(fresh)).has(outside.slice(1)), 'inside, where the link leads');
  assert.equal(execFileSync('cat', [outside], { encoding: 'utf8' }), 'kept');
});

test('the daemon answers while a layer is unpacked, and a client that goes away ends the work', async () => {
  const many = rawTar(
    Array.from({ length: 8_000 }, (_, index) => ({ name: `d${index % 100}/f${index}`, content: 'x' })),
  );
  const digest = await writeBlob(daemon(), gzipSync(many));
  const mounts = await overlay.prepare('active');
  const unpacking = { isDone: false };
  const applied = overlay.apply(mounts, digest, gzipped).finally(() => {
    unpacking.isDone = true;
  });
  let answers = 0;
  while (!unpacking.isDone) {
    await daemon().call(VersionService.version, {});
    answers++;
  }
  await applied;
  assert.ok(answers > 20, `${answers} answers meanwhile`);
  assert.equal(readdirSync(join(ownDirectory(mounts), 'd7')).length, 80);
  const other = await overlay.prepare('given-up');
  await assert.rejects(
    overlay.apply(other, digest, gzipped, { limitMs: 100 }),
    refusedWith(status.DEADLINE_EXCEEDED, /./),
  );
  // The thread that worked at it takes the next layer at once.
  await overlay.apply(await overlay.prepare('next'), await writeBlob(daemon(), rawTar([{ name: 'file' }])), plain);
});
