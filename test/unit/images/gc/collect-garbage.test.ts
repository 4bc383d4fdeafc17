// Collection over real records, with snapshots that only exist in memory.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Log } from '../../../../src/base/log.js';
import type { Labels } from '../../../../src/domain/records.js';
import { nowNanos } from '../../../../src/domain/time.js';
import { collectGarbage, type Collection } from '../../../../src/images/gc/collect-garbage.js';
import type { SnapshotNode, SnapshotSource } from '../../../../src/images/gc/snapshot-source.js';
import { closeImageStorage, type ImageStorage, openImageStorage } from '../../../../src/images/image-storage.js';
import { openStore, type Store } from '../../../../src/store/store.js';

const namespace = 'n';
const digest = (name: string) => `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`;

const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log };

function nothing(): void {}

let root: string;
let store: Store;
let storage: ImageStorage;
let snapshots: Snapshots;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-gc-'));
  store = await openStore({ root, keep: { events: 2000, bytes: 1e9, seconds: 1e9 } });
  storage = await openImageStorage({ root, store, log, garbage: { delayMs: 0, intervalMs: 60_000 } });
  snapshots = new Snapshots();
  await store.commit([store.namespaces.put(namespace, { name: namespace, labels: {} })]);
});

afterEach(async () => {
  await closeImageStorage(storage);
  await store.close();
  await rm(root, { recursive: true });
});

class Snapshots implements SnapshotSource {
  readonly kept = new Map<string, SnapshotNode>();
  readonly removed: string[] = [];
  swept = 0;

  add(key: string, parent = '', labels: Labels = {}): void {
    this.kept.set(key, { snapshotter: 'native', key, parent, labels });
  }

  async *list(): AsyncGenerator<SnapshotNode> {
    yield* this.kept.values();
  }

  async remove(_namespace: string, _snapshotter: string, key: string): Promise<void> {
    for (const { parent } of this.kept.values()) assert.notEqual(parent, key, `${key} still has children`);
    this.kept.delete(key);
    this.removed.push(key);
  }

  async sweep(): Promise<void> {
    this.swept++;
  }
}

async function collect(): Promise<Collection> {
  return await collectGarbage(storage, [snapshots]);
}

async function addBlob(name: string, labels: Labels = {}): Promise<void> {
  const record = { namespace, digest: digest(name), size: 1, labels, createdAt: nowNanos(), updatedAt: nowNanos() };
  await store.commit([store.blobs.put(record, record)]);
}

async function addImage(name: string, target: string, labels: Labels = {}): Promise<void> {
  const descriptor = { mediaType: 'm', digest: digest(target), size: 1, annotations: {} };
  const record = { namespace, name, labels, target: descriptor, createdAt: nowNanos(), updatedAt: nowNanos() };
  await store.commit([store.images.put(record, record)]);
}

async function addContainer(id: string, snapshotKey: string, labels: Labels = {}): Promise<void> {
  const now = nowNanos();
  const key = { namespace, id };
  const rest = {
    labels,
    image: '',
    runtime: { name: 'r' },
    sandbox: '',
    extensions: {},
    createdAt: now,
    updatedAt: now,
  };
  await store.commit([store.containers.put(key, { ...key, ...rest, snapshotter: 'native', snapshotKey })]);
}

async function addLease(id: string, labels: Labels, ...resources: (readonly [type: string, id: string])[]) {
  const lease = { namespace, id, labels, createdAt: nowNanos() };
  const held = resources.map(([type, resource]) => ({ namespace, lease: id, type, id: resource }));
  await store.commit([
    store.leases.put(lease, lease),
    ...held.map((record) => store.leaseResources.put(record, record)),
  ]);
}

async function blobs(): Promise<string[]> {
  const found: string[] = [];
  for await (const blob of store.blobs.list()) found.push(blob.digest);
  return found.map((text) => Buffer.from(text.slice('sha256:'.length), 'hex').toString().replaceAll('\0', ''));
}

test('what nothing keeps goes, what something keeps stays', async () => {
  await addBlob('manifest', { 'containerd.io/gc.ref.content.0': digest('layer') });
  await addBlob('layer', { 'containerd.io/gc.ref.snapshot.native': 'unpacked' });
  await addBlob('loose');
  await addImage('image', 'manifest');
  snapshots.add('base');
  snapshots.add('unpacked', 'base');
  snapshots.add('stray', 'base');
  const { blobs: removed, snapshots: snapped } = await collect();
  assert.deepEqual([removed, snapped], [1, 1]);
  assert.deepEqual(await blobs(), ['layer', 'manifest']);
  assert.deepEqual([...snapshots.kept.keys()], ['base', 'unpacked']);
});

test('snapshots go children first, and files are swept after', async () => {
  for (const [key, parent] of [
    ['c', 'b'],
    ['a', ''],
    ['d', 'c'],
    ['b', 'a'],
    ['e', 'b'],
  ] as const)
    snapshots.add(key, parent);
  await collect();
  assert.equal(snapshots.removed.length, 5);
  assert.deepEqual([...snapshots.kept], []);
  assert.equal(snapshots.swept, 1);
});

test('a container keeps its snapshot, with its parents, and what its labels name', async () => {
  await addBlob('noted');
  await addContainer('c', 'writable', { 'containerd.io/gc.ref.content.note': digest('noted') });
  snapshots.add('base');
  snapshots.add('layer', 'base');
  snapshots.add('writable', 'layer');
  await collect();
  assert.deepEqual([...snapshots.kept.keys()], ['base', 'layer', 'writable']);
  assert.deepEqual(await blobs(), ['noted']);
});

test('a root label keeps a snapshot', async () => {
  snapshots.add('prepared', '', { 'containerd.io/gc.root': 'now' });
  await collect();
  assert.deepEqual([...snapshots.kept.keys()], ['prepared']);
});

test('a lease keeps content, images, snapshots and what they refer to; a flat one only themselves and parents', async () => {
  await addBlob('manifest', { 'containerd.io/gc.ref.content.0': digest('layer') });
  await addBlob('layer');
  await addBlob('target');
  await addImage('expired', 'target', { 'containerd.io/gc.expire': new Date(0).toISOString() });
  snapshots.add('base');
  snapshots.add('top', 'base', { 'containerd.io/gc.ref.content.x': digest('layer') });
  const held = [
    ['content', digest('manifest')],
    ['images', 'expired'],
    ['snapshots/native', 'top'],
  ] as const;
  await addLease('deep', {}, ...held);
  await addLease('flat', { 'containerd.io/gc.flat': '1' }, ...held);
  await collect();
  assert.deepEqual(await blobs(), ['layer', 'manifest', 'target']);
  await store.commit([store.leases.remove({ namespace, id: 'deep' })]);
  await collect();
  assert.deepEqual(await blobs(), ['manifest', 'target']);
  assert.deepEqual([...snapshots.kept.keys()], ['base', 'top']);
  await store.commit([store.leases.remove({ namespace, id: 'flat' })]);
  const { images } = await collect();
  assert.equal(images, 1);
  assert.deepEqual([await blobs(), snapshots.kept.size], [[], 0]);
  for await (const resource of store.leaseResources.list()) assert.fail(`left: ${resource.id}`);
});

test('back references keep an object as long as what they name', async () => {
  await addBlob('attached', { 'containerd.io/gc.bref.container': 'c' });
  await addContainer('c', '');
  await collect();
  assert.deepEqual(await blobs(), ['attached']);
  await store.commit([store.containers.remove({ namespace, id: 'c' })]);
  await collect();
  assert.deepEqual(await blobs(), []);
});

test('objects that refer to each other in a circle go together', async () => {
  await addBlob('one', { 'containerd.io/gc.ref.content': digest('two') });
  await addBlob('two', { 'containerd.io/gc.ref.content': digest('one') });
  await collect();
  assert.deepEqual(await blobs(), []);
});

test('references do not reach into other namespaces', async () => {
  const other = { namespace: 'other', digest: digest('layer'), size: 1, labels: {}, createdAt: 1n, updatedAt: 1n };
  await store.commit([store.namespaces.put('other', { name: 'other', labels: {} }), store.blobs.put(other, other)]);
  await addBlob('layer');
  await addBlob('manifest', { 'containerd.io/gc.ref.content': digest('layer'), 'containerd.io/gc.root': '1' });
  await collect();
  assert.equal(await store.blobs.get(other), undefined);
  assert.deepEqual(await blobs(), ['layer', 'manifest']);
});

test('a snapshot that cannot be removed does not keep the rest', async () => {
  snapshots.add('busy');
  snapshots.add('free');
  await addBlob('loose');
  const remove = snapshots.remove.bind(snapshots);
  snapshots.remove = async (ns, snapshotter, key) => {
    if (key === 'busy') throw new Error('it is mounted');
    await remove(ns, snapshotter, key);
  };
  await collect();
  assert.deepEqual([...snapshots.kept.keys()], ['busy']);
  assert.deepEqual(await blobs(), []);
});

test('a reference that is being made holds the removal up', async () => {
  await addBlob('contested');
  const holding = store.references.shared(async () => {
    const collected = collect();
    const lease = { namespace, id: 'late', labels: {}, createdAt: nowNanos() };
    const resource = { namespace, lease: 'late', type: 'content', id: digest('contested') };
    await store.commit([store.leases.put(lease, lease), store.leaseResources.put(resource, resource)]);
    return { collected };
  });
  assert.equal((await (await holding).collected).blobs, 0);
  assert.deepEqual(await blobs(), ['contested']);
});
