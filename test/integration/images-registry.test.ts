// `ctr content fetch` from a real registry: single and multi-platform images, cut off, stalled, and lied to.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { listBlobs, readBlob } from '../helpers/content.js';
import { type OciDescriptor, OciLayout } from '../helpers/oci-layout.js';
import { Registry, RegistryProxy } from '../helpers/registry.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  proxy.tamper = undefined;
  await removeAll();
});

const daemon = useBerthd();

let registry: Registry;
let proxy: RegistryProxy;

/** Bytes; random, so that gzip leaves them as they are, and enough to be cut off in the middle. */
const bigLayerBytes = 8_000_000;

before(async () => {
  registry = await Registry.start();
  proxy = await RegistryProxy.start(registry);
});

after(async () => {
  await proxy.stop();
  await registry.stop();
});

async function push(name: string, make: (layout: OciLayout) => Promise<OciDescriptor>): Promise<OciDescriptor> {
  const directory = daemon().path(`layout-${name.replaceAll(/[:/]/g, '-')}`);
  const layout = await OciLayout.create(directory);
  const root = await make(layout);
  await layout.finish(root);
  await registry.push(directory, name);
  return root;
}

function fetchCommand(reference: string, ...flags: string[]): string[] {
  return ['content', 'fetch', '--plain-http', ...flags, reference];
}

async function fetchImage(reference: string, ...flags: string[]): Promise<void> {
  const { code, stderr } = await daemon().ctr(fetchCommand(reference, ...flags));
  assert.equal(code, 0, stderr);
}

interface Manifest {
  readonly config: OciDescriptor;
  readonly layers: readonly OciDescriptor[];
}

async function manifestOf(digest: string): Promise<Manifest> {
  return JSON.parse((await readBlob(daemon(), digest)).toString());
}

/** A manifest with all that it names. */
async function treeOf(digest: string): Promise<string[]> {
  const { config, layers } = await manifestOf(digest);
  return [digest, config.digest, ...layers.map((layer) => layer.digest)];
}

async function removeAll(): Promise<void> {
  const { leases } = await daemon().call(LeasesService.list, { filters: [] });
  for (const { id } of leases) await daemon().call(LeasesService.delete, { id, sync: true });
  const { images } = await daemon().call(ImagesService.list, { filters: [] });
  for (const { name } of images) await daemon().call(ImagesService.delete, { name, sync: true, target: undefined });
  assert.deepEqual(await listBlobs(daemon()), []);
}

test('an image is fetched whole, kept by its record, and gone with it', async () => {
  const root = await push('single:1', (layout) => layout.image([Buffer.alloc(1024), randomBytes(3_000_000)]));
  await fetchImage(registry.reference('single:1'));
  const tree = await treeOf(root.digest);
  assert.deepEqual(await listBlobs(daemon()), tree.sort());
  for (const digest of tree) {
    const { info } = await daemon().call(ContentService.info, { digest });
    assert.equal(info?.size, BigInt((await readBlob(daemon(), digest)).length));
    assert.equal(info?.labels['containerd.io/distribution.source.127.0.0.1'], 'single');
  }
  const { stdout } = await daemon().ctr(['image', 'ls']);
  assert.match(
    stdout,
    new RegExp(`^${registry.reference('single:1')} +${root.mediaType.replaceAll('+', '\\+')} +${root.digest}`, 'm'),
  );
});

test('of a multi-platform index one platform is fetched, or all', async () => {
  const root = await push('multi:1', async (layout) => {
    const amd64 = await layout.image([randomBytes(10_000)], 'amd64');
    const arm64 = await layout.image([randomBytes(10_000)], 'arm64');
    return await layout.index([amd64, arm64]);
  });
  await fetchImage(registry.reference('multi:1'), '--platform', 'linux/arm64');
  const { manifests } = JSON.parse((await readBlob(daemon(), root.digest)).toString()) as {
    manifests: OciDescriptor[];
  };
  const [amd64, arm64] = manifests;
  assert.ok(amd64 !== undefined && arm64 !== undefined);
  assert.deepEqual(await listBlobs(daemon()), [root.digest, ...(await treeOf(arm64.digest))].sort());
  await fetchImage(registry.reference('multi:1'), '--all-platforms');
  const both = [root.digest, ...(await treeOf(amd64.digest)), ...(await treeOf(arm64.digest))];
  assert.deepEqual(await listBlobs(daemon()), both.sort());
});

test('a fetch whose client was killed is gone on with, not begun again', async () => {
  const layer = randomBytes(bigLayerBytes);
  const root = await push('resumed:1', (layout) => layout.image([layer]));
  proxy.requests.length = 0;
  const stopAt = bigLayerBytes / 2;
  let halted = false;
  proxy.tamper = (url, chunk, position) => {
    if (!url.includes('/blobs/') || position < stopAt) return chunk;
    halted = true;
    return Buffer.alloc(0);
  };
  const client = daemon().startCtr(fetchCommand(proxy.reference('resumed:1')));
  await poll(() => halted || undefined, { limitMs: 10_000, intervalMs: 10, what: 'half of the layer' });
  const ingest = async () =>
    (await daemon().call(ContentService.listStatuses, { filters: ['ref~=^layer'] })).statuses[0];
  const half = await poll(
    async () => {
      const found = await ingest();
      return found !== undefined && found.offset >= BigInt(stopAt) / 2n ? found : undefined;
    },
    { limitMs: 10_000, intervalMs: 10, what: 'the ingest to grow' },
  );
  client.signal('SIGKILL');
  await client.result();
  proxy.tamper = undefined;
  await daemon().restart('SIGKILL');
  assert.ok(((await ingest())?.offset ?? 0n) >= half.offset);
  await fetchImage(proxy.reference('resumed:1'));
  const { layers } = await manifestOf(root.digest);
  assert.equal((await readBlob(daemon(), layers[0]?.digest ?? '')).length, layers[0]?.size);
  const ranges = proxy.requests.filter(({ url }) => url.endsWith(layers[0]?.digest ?? '?')).map(({ range }) => range);
  const resumedAt = /^bytes=(\d+)-/.exec(ranges.at(-1) ?? '')?.[1];
  assert.ok(Number(resumedAt) >= Number(half.offset), `${JSON.stringify(ranges)} for ${half.offset}`);
});

test('a registry that cuts off, and one that lies, leave nothing that looks whole', async () => {
  const root = await push('lied:1', (layout) => layout.image([randomBytes(bigLayerBytes)]));
  let isCut = false;
  proxy.tamper = (url, chunk, position) => {
    if (!url.includes('/blobs/')) return chunk;
    isCut ||= position > 1_000_000;
    return isCut ? undefined : chunk;
  };
  const cut = await daemon().ctr(fetchCommand(proxy.reference('lied:1')));
  assert.notEqual(cut.code, 0);
  proxy.tamper = (url, chunk, position) => {
    if (url.includes('/blobs/') && position > 1_000_000 && chunk.length > 0) chunk[0] = (chunk[0] ?? 0) ^ 1;
    return chunk;
  };
  const lied = await daemon().ctr(fetchCommand(proxy.reference('lied:1')));
  assert.notEqual(lied.code, 0);
  assert.match(lied.stderr, /unexpected commit digest|failed precondition/);
  proxy.tamper = undefined;
  await fetchImage(proxy.reference('lied:1'));
  const tree = await treeOf(root.digest);
  assert.deepEqual(await listBlobs(daemon()), tree.sort());
});

test('two clients that fetch the same image at once both get it', async () => {
  const root = await push('both:1', (layout) => layout.image([randomBytes(bigLayerBytes), randomBytes(100_000)]));
  const other = `${daemon().namespace}-both`;
  await Promise.all([
    fetchImage(registry.reference('both:1')),
    fetchImage(registry.reference('both:1')),
    daemon().ctr(['--namespace', other, ...fetchCommand(registry.reference('both:1'))]),
  ]);
  const tree = await treeOf(root.digest);
  assert.deepEqual(await listBlobs(daemon()), tree.sort());
  assert.deepEqual(await listBlobs(daemon(), [], { namespace: other }), tree.sort());
});
