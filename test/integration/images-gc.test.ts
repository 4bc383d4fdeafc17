// Garbage collection through the API: what images, leases and labels keep, and what goes when they do.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { ContentService, WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { digestOf, listBlobs, readBlob, rootLabel, WriteDialogue, writeBlob } from '../helpers/content.js';
import { isContainerd } from '../helpers/daemon.js';
import type { RpcOptions } from '../helpers/rpc.js';
import { Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

async function lease(id: string, labels: Record<string, string> = {}): Promise<{ lease: string }> {
  await daemon().call(LeasesService.create, { id, labels });
  return { lease: id };
}

/** Returns once what only the lease held is gone. */
async function endLease(id: string, sync = true): Promise<void> {
  await daemon().call(LeasesService.delete, { id, sync });
}

/** A collection that begins after this call and has ended when it returns. */
async function collect(): Promise<void> {
  await lease('collect');
  await endLease('collect');
}

async function image(name: string, digest: string, labels: Record<string, string> = {}): Promise<void> {
  const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1n, annotations: {} };
  const record = { name, labels, target, createdAt: undefined, updatedAt: undefined };
  await daemon().call(ImagesService.create, { image: record, sourceDateEpoch: undefined });
}

async function deleteImage(name: string): Promise<void> {
  await daemon().call(ImagesService.delete, { name, sync: true, target: undefined });
}

async function resources(id: string): Promise<string[]> {
  const { resources: held } = await daemon().call(LeasesService.listResources, { id });
  return held.map((resource) => `${resource.type} ${resource.id}`).sort();
}

/** A manifest's content with a configuration and a layer, linked by labels as clients link them. */
async function writeTree(name: string, options: RpcOptions) {
  const config = await writeBlob(daemon(), `${name} config`, options);
  const layer = await writeBlob(daemon(), `${name} layer`, options);
  const labels = { 'containerd.io/gc.ref.content.config': config, 'containerd.io/gc.ref.content.l.0': layer };
  const manifest = await writeBlob(daemon(), `${name} manifest`, { ...options, labels });
  return { config, layer, manifest, all: [config, layer, manifest].sort() };
}

function files(): string[] {
  const directory = isContainerd ? 'io.containerd.content.v1.content' : 'content';
  return readdirSync(`${daemon().root}/${directory}/blobs/sha256`).map((hex) => `sha256:${hex}`);
}

test('what a call with a lease makes is held by it, and goes with it', async () => {
  const held = await lease('holder');
  const tree = await writeTree('leased', held);
  assert.deepEqual(
    await resources('holder'),
    tree.all.map((digest) => `content ${digest}`),
  );
  await collect();
  assert.deepEqual(await listBlobs(daemon()), tree.all);
  await endLease('holder');
  assert.deepEqual(await listBlobs(daemon()), []);
  assert.deepEqual(files(), []);
});

test('an image keeps its whole tree, and its removal takes it', async () => {
  const tree = await writeTree('imaged', await lease('pull'));
  await image('example.org/app:1', tree.manifest);
  await endLease('pull');
  assert.deepEqual(await listBlobs(daemon()), tree.all);
  await deleteImage('example.org/app:1');
  assert.deepEqual(await listBlobs(daemon()), []);
  assert.deepEqual(files(), []);
});

test('without sync, garbage goes soon after', async () => {
  const tree = await writeTree('slow', await lease('later'));
  await endLease('later', false);
  await poll(async () => ((await listBlobs(daemon())).length === 0 ? true : undefined), {
    limitMs: 10_000,
    intervalMs: 20,
    what: `the end of ${tree.all.join(', ')}`,
  });
});

test('two images that share a layer keep it until both are gone', async () => {
  const held = await lease('share');
  const first = await writeTree('first', held);
  const labels = { 'containerd.io/gc.ref.content.l.0': first.layer };
  const second = await writeBlob(daemon(), 'second manifest', { ...held, labels });
  await image('first', first.manifest);
  await image('second', second);
  await endLease('share');
  await deleteImage('first');
  assert.deepEqual(await listBlobs(daemon()), [first.layer, second].sort());
  await deleteImage('second');
  assert.deepEqual(await listBlobs(daemon()), []);
});

test('a flat lease holds what it names, and nothing beyond', async () => {
  const tree = await writeTree('flat', await lease('maker'));
  await lease('flat', { 'containerd.io/gc.flat': 'true' });
  const resource = { type: 'content', id: tree.manifest };
  await daemon().call(LeasesService.addResource, { id: 'flat', resource });
  await endLease('maker');
  assert.deepEqual(await listBlobs(daemon()), [tree.manifest]);
  await daemon().call(LeasesService.deleteResource, { id: 'flat', resource });
  await collect();
  assert.deepEqual(await listBlobs(daemon()), []);
  await endLease('flat');
});

test('a lease that has expired holds nothing', async () => {
  const expireMs = 2000;
  const soon = new Date(Date.now() + expireMs).toISOString();
  await lease('stale', { 'containerd.io/gc.expire': soon });
  const tree = await writeTree('stale', { lease: 'stale' });
  assert.deepEqual(await listBlobs(daemon()), tree.all);
  await poll(
    async () => {
      await collect();
      return (await listBlobs(daemon())).length === 0 ? true : undefined;
    },
    { limitMs: 5 * expireMs, intervalMs: 50, what: 'the end of the lease' },
  );
  const { leases } = await daemon().call(LeasesService.list, { filters: [] });
  assert.deepEqual(leases, []);
});

test('a root label keeps content, and what it refers to', async () => {
  const layer = await writeBlob(daemon(), 'rooted layer', { lease: (await lease('rooting')).lease });
  const labels = { 'containerd.io/gc.root': 'now', 'containerd.io/gc.ref.content': layer };
  const root = await writeBlob(daemon(), 'root', { labels });
  await endLease('rooting');
  assert.deepEqual(await listBlobs(daemon()), [layer, root].sort());
  await daemon().call(ContentService.delete, { digest: root });
  await collect();
  assert.deepEqual(await listBlobs(daemon()), []);
});

test('content keeps the snapshots that its labels name, with what they stand on, and lets them go', async () => {
  const snapshots = new Snapshots(daemon);
  const held = await lease('unpacked');
  for (const [name, parent] of [
    ['lower', ''],
    ['upper', 'lower'],
  ] as const) {
    await snapshots.prepare(`${name}-active`, parent, held);
    await snapshots.commit(name, `${name}-active`, held);
  }
  const labels = { ...rootLabel, 'containerd.io/gc.ref.snapshot.overlayfs': 'upper' };
  const config = await writeBlob(daemon(), 'configuration', { ...held, labels });
  await endLease('unpacked');
  assert.deepEqual(await snapshots.keys(), ['lower', 'upper']);
  await daemon().call(ContentService.delete, { digest: config });
  await collect();
  assert.deepEqual(await snapshots.keys(), []);
});

test('what is there already is held by the lease of who would write it', async () => {
  const digest = await writeBlob(daemon(), 'popular');
  await lease('latecomer');
  await assert.rejects(writeBlob(daemon(), 'popular', { lease: 'latecomer' }), { code: status.ALREADY_EXISTS });
  assert.deepEqual(await resources('latecomer'), [`content ${digest}`]);
  const info = { digest, size: 0n, labels: {}, createdAt: undefined, updatedAt: undefined };
  await daemon().call(ContentService.update, { info, updateMask: undefined });
  await collect();
  assert.deepEqual(await listBlobs(daemon()), [digest]);
  await endLease('latecomer');
  assert.deepEqual(await listBlobs(daemon()), []);
});

test('a blob stays while another namespace has it', async () => {
  const other = { namespace: `${daemon().namespace}-keeper` };
  const digest = await writeBlob(daemon(), 'kept elsewhere');
  await writeBlob(daemon(), 'kept elsewhere', other);
  await daemon().call(ContentService.delete, { digest });
  await collect();
  assert.deepEqual(files(), [digest]);
  assert.equal((await readBlob(daemon(), digest, other)).toString(), 'kept elsewhere');
  await daemon().call(ContentService.delete, { digest }, other);
  await collect();
  assert.deepEqual(files(), []);
});

test('a write that is to take a blob over keeps it meanwhile', async () => {
  const other = { namespace: `${daemon().namespace}-taker` };
  const digest = await writeBlob(daemon(), 'to be taken');
  const write = new WriteDialogue(daemon(), other);
  await write.send({ ref: 'taking', expected: digest });
  await daemon().call(ContentService.delete, { digest });
  await collect();
  await write.send({ action: WriteAction.COMMIT, offset: 11n, labels: { 'containerd.io/gc.root': '1' } });
  assert.equal((await readBlob(daemon(), digest, other)).toString(), 'to be taken');
  await daemon().call(ContentService.delete, { digest }, other);
  await collect();
});

test('an unfinished write goes with the lease that holds it, but not while somebody writes', async () => {
  const held = await lease('writing');
  const write = new WriteDialogue(daemon(), held);
  await write.send({ ref: 'leased-write', total: 10n });
  await write.send({ action: WriteAction.WRITE, data: Buffer.from('12345') });
  assert.deepEqual(await resources('writing'), ['ingests leased-write']);
  write.cancel();
  await collect();
  const { statuses } = await daemon().call(ContentService.listStatuses, { filters: [] });
  assert.deepEqual(
    statuses.map(({ ref }) => ref),
    ['leased-write'],
  );
  const again = new WriteDialogue(daemon(), held);
  assert.equal((await again.send({ ref: 'leased-write' })).offset, 5n);
  if (isContainerd) {
    again.cancel();
    await endLease('writing', false);
  } else {
    await endLease('writing');
    assert.equal((await daemon().call(ContentService.status, { ref: 'leased-write' })).status?.offset, 5n);
    again.cancel();
    await poll(
      async () => {
        await collect();
        const left = await daemon().call(ContentService.listStatuses, { filters: [] });
        return left.statuses.length === 0 ? true : undefined;
      },
      { limitMs: 5000, intervalMs: 20, what: 'the end of the write' },
    );
    assert.deepEqual(readdirSync(`${daemon().root}/content/ingest`), []);
  }
});

test('a call with a lease that is not there is refused', async () => {
  const none = { lease: 'no-such-lease' };
  await assert.rejects(writeBlob(daemon(), 'homeless', none), { code: status.NOT_FOUND });
  assert.deepEqual(await listBlobs(daemon()), []);
});

test('a namespace with content is not deleted', { skip: isContainerd }, async () => {
  const digest = digestOf('resident');
  await writeBlob(daemon(), 'resident');
  const removed = await daemon().ctr(['namespaces', 'remove', daemon().namespace]);
  assert.match(removed.stderr, /blobs/);
  await daemon().call(ContentService.delete, { digest });
});

test('a pull and removals at the same time lose nothing', async () => {
  const rounds = 12;
  const pulls = Array.from({ length: rounds }, async (_, round) => {
    const tree = await writeTree(`busy ${round}`, await lease(`busy-${round}`));
    await image(`busy-${round}`, tree.manifest);
    await endLease(`busy-${round}`, round % 2 === 0);
    return tree;
  });
  const removals = Array.from({ length: rounds }, async (_, round) => {
    const tree = await writeTree(`doomed ${round}`, await lease(`doomed-${round}`));
    await image(`doomed-${round}`, tree.manifest);
    await endLease(`doomed-${round}`, false);
    await deleteImage(`doomed-${round}`);
  });
  const trees = await Promise.all(pulls);
  await Promise.all(removals);
  await collect();
  const expected = trees.flatMap((tree) => tree.all).sort();
  assert.deepEqual(await listBlobs(daemon()), expected);
  assert.deepEqual(files().sort(), expected);
  for (let round = 0; round < rounds; round++) await deleteImage(`busy-${round}`);
  assert.deepEqual(await listBlobs(daemon()), []);
});
