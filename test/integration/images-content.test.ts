// `ctr content` and `ctr image` on blobs and records made by hand.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { WriteAction } from '../../src/generated/containerd/services/content/v1/content.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { digestOf, WriteDialogue, writeBlob } from '../helpers/content.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  const { images } = await daemon().call(ImagesService.list, { filters: [] });
  for (const { name } of images) await daemon().call(ImagesService.delete, { name, sync: true, target: undefined });
});

// No collection comes in between: some of these blobs are kept by nothing.
const daemon = useBerthd({ config: 'gc_delay_ms = 600_000' });

async function ctr(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().ctr(args);
  assert.equal(code, 0, `ctr ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function fails(pattern: RegExp, ...args: string[]): Promise<void> {
  const { stderr, code } = await daemon().ctr(args);
  assert.equal(code, 1, args.join(' '));
  assert.match(stderr, pattern);
}

async function ingest(ref: string, input: string | Uint8Array, ...flags: string[]): Promise<void> {
  const { stderr, code } = await daemon().ctr(['content', 'ingest', ...flags, ref], { input });
  assert.equal(code, 0, stderr);
}

test('ctr content ingests, lists, gets, labels and removes', async () => {
  const data = randomBytes(3_000_000);
  const digest = digestOf(data);
  await ingest('by-hand', data, '--expected-size', '3000000', '--expected-digest', digest);
  assert.match(await ctr('content', 'ls'), new RegExp(`^${digest}\\s+3MB\\s+\\S.*-\\s*$`, 'm'));
  assert.equal(await ctr('content', 'ls', '-q'), `${digest}\n`);
  const { stdoutBytes } = await daemon().ctr(['content', 'get', digest]);
  assert.deepEqual(stdoutBytes, data);
  await ctr('content', 'label', digest, 'a=1', 'b.c/d=2');
  assert.match(await ctr('content', 'ls'), /a=1,b\.c\/d=2|b\.c\/d=2,a=1/);
  assert.equal(await ctr('content', 'ls', '-q', 'labels.a==2'), '');
  assert.equal(await ctr('content', 'ls', '-q', 'labels."b.c/d"==2', 'size==3000000'), `${digest}\n`);
  await ctr('content', 'label', digest, 'a=');
  assert.equal(await ctr('content', 'ls', '-q', 'labels.a'), '');
  assert.equal(await ctr('content', 'rm', digest), `${digest}\n`);
  assert.equal(await ctr('content', 'ls', '-q'), '');
  await fails(/not found/, 'content', 'get', digest);
  await fails(/not found/, 'content', 'label', digest, 'a=1');
});

test('ctr content ingest refuses what is not as announced', async () => {
  const bad = ['content', 'ingest', '--expected-digest', digestOf('other'), 'announced'];
  const { stderr, code } = await daemon().ctr(bad, { input: 'something' });
  assert.equal(code, 1);
  assert.match(stderr, /digest/);
  assert.equal(await ctr('content', 'ls', '-q'), '');
});

test('ctr content active shows unfinished writes', async () => {
  const write = new WriteDialogue(daemon());
  await write.send({ ref: 'half-way', total: 2_000_000n });
  await write.send({ action: WriteAction.WRITE, data: randomBytes(1_000_000) });
  assert.match(await ctr('content', 'active'), /^half-way\s+1MB/m);
  write.cancel();
  assert.match(await ctr('content', 'active'), /^half-way\s+1MB/m);
});

test('ctr image lists, tags, labels and removes', async () => {
  const config = await writeBlob(daemon(), JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: {} }));
  const type = 'application/vnd.oci.image';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: `${type}.manifest.v1+json`,
    config: { mediaType: `${type}.config.v1+json`, digest: config, size: 55 },
    layers: [],
  });
  const digest = await writeBlob(daemon(), manifest);
  const target = { mediaType: `${type}.manifest.v1+json`, digest, size: BigInt(manifest.length), annotations: {} };
  const image = { name: 'example.org/a:1', labels: {}, target, createdAt: undefined, updatedAt: undefined };
  await daemon().call(ImagesService.create, { image, sourceDateEpoch: undefined });
  assert.match(
    await ctr('image', 'ls'),
    new RegExp(`^example.org/a:1 +\\S+ +${digest} +\\S+ \\S+ +linux/amd64 +- *$`, 'm'),
  );
  await ctr('image', 'tag', 'example.org/a:1', 'example.org/b:2', 'example.org/c:3');
  assert.equal(await ctr('image', 'ls', '-q'), 'example.org/a:1\nexample.org/b:2\nexample.org/c:3\n');
  await fails(/already exists/, 'image', 'tag', 'example.org/a:1', 'example.org/b:2');
  await ctr('image', 'tag', '--force', 'example.org/a:1', 'example.org/b:2');
  await ctr('image', 'label', 'example.org/b:2', 'tier=front', 'zone=a');
  assert.equal(await ctr('image', 'ls', '-q', 'labels.tier==front'), 'example.org/b:2\n');
  assert.equal(await ctr('image', 'ls', '-q', 'name~=c:[0-9]'), 'example.org/c:3\n');
  await ctr('image', 'rm', '--sync', 'example.org/b:2', 'example.org/c:3');
  assert.equal(await ctr('image', 'ls', '-q'), 'example.org/a:1\n');
  // It only warns of what is not there.
  assert.match((await daemon().ctr(['image', 'rm', 'example.org/b:2'])).stderr, /not found/);
  await fails(/not found/, 'image', 'tag', 'ghost', 'other');
  await daemon().restart('SIGKILL');
  assert.equal(await ctr('image', 'ls', '-q'), 'example.org/a:1\n');
});

test('ctr leases makes, lists and removes', async () => {
  await ctr('leases', 'create', '--id', 'mine', '--expires', '1h', 'a=1');
  assert.match(await ctr('leases', 'ls'), /^mine\s.*a=1/m);
  await ctr('leases', 'rm', '--sync', 'mine');
  assert.equal(await ctr('leases', 'ls', '-q'), '');
});

test('ctr events shows what images and content go through', async () => {
  const events = daemon().startCtr(['events']);
  // The subscription stands once an event of ours is seen.
  for (let attempt = 0; !events.stdout.includes('/images/create'); attempt++) {
    const target = { mediaType: 'm', digest: digestOf(`${attempt}`), size: 1n, annotations: {} };
    const image = { name: `seen:${attempt}`, labels: { a: '1' }, target, createdAt: undefined, updatedAt: undefined };
    await daemon().call(ImagesService.create, { image, sourceDateEpoch: undefined });
  }
  await ctr('image', 'label', 'seen:0', 'b=2');
  await ctr('image', 'rm', 'seen:0');
  const digest = await writeBlob(daemon(), 'eventful');
  await ctr('content', 'rm', digest);
  // ctr 1.6 does not know /content/create, which came with containerd 2.
  const topics = ['/images/update', '/images/delete', '/content/delete'];
  await events.waitForOutput(new RegExp(topics.join('[^]*')));
  assert.match(events.stdout, /\/images\/update \{"name":"seen:0","labels":\{"a":"1","b":"2"\}\}/);
  assert.match(events.stdout, new RegExp(`/content/delete \\{"digest":"${digest}"\\}`));
  events.signal('SIGTERM');
  await events.result();
});
