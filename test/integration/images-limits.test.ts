// What the configuration says about layers and collections, held by the built daemon.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { listBlobs, writeBlob } from '../helpers/content.js';
import { describeTree } from '../helpers/file-tree.js';
import { collectLimitMs } from '../helpers/images.js';
import { type RawEntry, rawTar } from '../helpers/raw-tar.js';
import { isServiceError } from '../helpers/rpc.js';
import { ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  await overlay.removeAll();
});

const limits = ['unpack_devices = false', 'unpack_max_entries = 20', 'unpack_max_bytes = 1_000_000'];
// No collection follows a removal here: those that come, come by themselves.
const collections = ['gc_delay_ms = 600_000', 'gc_interval_seconds = 1'];
const daemon = useBerthd({ config: [...limits, ...collections].join('\n') });
const overlay = new Snapshots(daemon);

/** What is there of a layer that was refused, or all of one that was not. */
async function unpack(
  entries: readonly RawEntry[],
  { isGzip = false } = {},
): Promise<{ readonly error: unknown; readonly names: string[] }> {
  await daemon().call(LeasesService.create, { id: 'layer', labels: {} });
  const tar = rawTar(entries);
  const digest = await writeBlob(daemon(), isGzip ? gzipSync(tar) : tar, { lease: 'layer' });
  const mounts = await overlay.prepare('active');
  const error: unknown = await overlay
    .apply(mounts, digest, `application/vnd.oci.image.layer.v1.tar${isGzip ? '+gzip' : ''}`)
    .then(() => undefined)
    .catch((failure: unknown) => failure);
  const names = [...describeTree(ownDirectory(mounts)).keys()];
  await overlay.remove('active');
  await daemon().call(LeasesService.delete, { id: 'layer', sync: true });
  return { error, names };
}

async function refused(entries: readonly RawEntry[], code: status, message: RegExp): Promise<void> {
  const { error } = await unpack(entries);
  assert.ok(isServiceError(error), String(error));
  assert.equal(error.code, code, error.details);
  assert.match(error.details, message);
}

const files = (count: number) => Array.from({ length: count }, (_empty, index) => ({ name: `file${index}` }));

test('devices are refused where the configuration says so, FIFOs are not', async () => {
  await refused([{ name: 'disk', type: '4', major: 8 }], status.FAILED_PRECONDITION, /"disk".*devices/);
  await refused([{ name: 'tty', type: '3', major: 5 }], status.FAILED_PRECONDITION, /"tty".*devices/);
  assert.deepEqual(await unpack([{ name: 'fifo', type: '6' }]), { error: undefined, names: ['fifo'] });
});

test('a layer has at most so many entries', async () => {
  await refused(files(21), status.RESOURCE_EXHAUSTED, /more than 20 entries \(unpack_max_entries\)/);
  assert.equal((await unpack(files(20))).names.length, 20);
});

test('a file has at most so many bytes, declared, written or as a hole', async () => {
  const tooLarge = /more than 1000000 bytes uncompressed \(unpack_max_bytes\)/;
  const { names, error } = await unpack([{ name: 'first' }, { name: 'huge', size: 900_000_000_000 }]);
  assert.ok(isServiceError(error) && tooLarge.test(error.details), String(error));
  assert.deepEqual(names, ['first']);
  await refused([{ name: 'large', content: Buffer.alloc(1_100_000) }], status.RESOURCE_EXHAUSTED, tooLarge);
  const hole = { 'GNU.sparse.size': '900000000000', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,0' };
  await refused([{ name: 'hole', pax: hole }], status.RESOURCE_EXHAUSTED, tooLarge);
});

test('files within the limit that are more together are refused when so many bytes were decompressed', async () => {
  const part = { size: 600_000, content: Buffer.alloc(600_000) };
  const entries = [{ name: 'one', ...part }, { name: 'two', ...part }, { name: 'three' }];
  assert.ok(gzipSync(rawTar(entries)).length < 10_000);
  const { error, names } = await unpack(entries, { isGzip: true });
  assert.ok(isServiceError(error), String(error));
  assert.equal(error.code, status.RESOURCE_EXHAUSTED, error.details);
  assert.match(error.details, /more than 1000000 bytes uncompressed \(unpack_max_bytes\)/);
  assert.ok(!names.includes('three'), names.join());
  assert.deepEqual(await overlay.keys(), []);
  const blobs = async () => (await listBlobs(daemon())).length === 0 || undefined;
  await poll(blobs, { limitMs: collectLimitMs, intervalMs: 50, what: 'the layer to be collected' });
  await assertCheckClean(daemon());
  const single = [{ name: 'one', ...part }];
  assert.deepEqual(await unpack(single, { isGzip: true }), { error: undefined, names: ['one'] });
});

test('what only an expired lease holds goes by itself', async () => {
  const labels = { 'containerd.io/gc.expire': new Date(Date.now() + 1500).toISOString() };
  await daemon().call(LeasesService.create, { id: 'short', labels });
  await writeBlob(daemon(), 'held for a moment', { lease: 'short' });
  const isEmpty = async () => (await listBlobs(daemon())).length === 0 || undefined;
  await poll(isEmpty, { limitMs: 30_000, intervalMs: 50, what: 'a collection that nobody asked for' });
  assert.deepEqual((await daemon().call(LeasesService.list, { filters: [] })).leases, []);
});
