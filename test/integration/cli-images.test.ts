// berth images, content, snapshots, leases and gc, as users type them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { digestOf, listBlobs } from '../helpers/content.js';
import { removeImages } from '../helpers/images.js';
import type { OciDescriptor } from '../helpers/oci-layout.js';
import { pushImage } from '../helpers/pulled-images.js';
import { rawTar } from '../helpers/raw-tar.js';
import { Registry } from '../helpers/registry.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => await removeImages(daemon()));

const daemon = useBerthd({ config: 'gc_delay_ms = 600_000\ngc_interval_seconds = 600' });
let registry: Registry;
let root: OciDescriptor;
let name: string;

before(async () => {
  registry = await Registry.start();
  name = registry.reference('team/app:1');
});

after(async () => await registry.stop());

async function pull(): Promise<void> {
  const layer = () => rawTar([{ name: 'some', content: randomBytes(100_000) }]);
  root = await pushImage(daemon(), registry, 'team/app:1', async (layout) =>
    layout.index([
      await layout.image([layer(), layer()], 'amd64', { Entrypoint: ['/bin/some'], Env: ['A=b'] }),
      await layout.image([layer()], 'arm64'),
    ]),
  );
  await succeed('pull', '-q', name);
}

async function succeed(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().berth(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function json(...args: string[]) {
  return JSON.parse(await succeed('-o', 'json', ...args));
}

test('images are listed with size and platforms, inspected, tagged and removed', async () => {
  await pull();
  const digest = root.digest.slice(0, 19);
  assert.match(
    await succeed('images', 'ls'),
    new RegExp(`^NAME +DIGEST +SIZE +PLATFORMS +AGE\n${name} +${digest} +19\\d(?:\\.\\d)?KiB +linux/amd64 +\\d+s\n$`),
  );
  const [listed] = await json('images', 'ls', '-f', `name==${name}`);
  assert.deepEqual(
    listed.platforms.map(({ platform, complete }: { platform: string; complete: boolean }) => [platform, complete]),
    [
      ['linux/amd64', true],
      ['linux/arm64/v8', false],
    ],
  );
  const [inspected] = JSON.parse(await succeed('images', 'inspect', name));
  assert.deepEqual(inspected.config.config, { Entrypoint: ['/bin/some'], Env: ['A=b'] });
  assert.equal(inspected.layers.length, 2);
  for (const { snapshotters } of inspected.layers) assert.deepEqual(snapshotters, ['overlayfs']);
  assert.match((await daemon().berth(['images', 'inspect', '--platform', 's390x', name])).stderr, /linux\/s390x/);
  assert.equal(
    await succeed('images', 'tag', name, 'copy', 'other/copy:2'),
    'docker.io/library/copy:latest\ndocker.io/other/copy:2\n',
  );
  assert.match((await daemon().berth(['images', 'tag', name, 'copy'])).stderr, /already exists/);
  assert.equal(await succeed('images', 'tag', '--force', name, 'copy'), 'docker.io/library/copy:latest\n');
  assert.equal(
    await succeed('images', 'ls', '-q', '-f', 'name~=copy'),
    'docker.io/library/copy:latest\ndocker.io/other/copy:2\n',
  );
  const before = await listBlobs(daemon());
  await succeed('images', 'rm', '--sync', name, 'copy');
  assert.deepEqual(await listBlobs(daemon()), before);
  const gone = await daemon().berth(['images', 'rm', '--sync', 'other/copy:2', 'nobody']);
  assert.equal(gone.code, 1);
  assert.equal(gone.stdout, 'other/copy:2\n');
  assert.match(gone.stderr, /image "docker\.io\/library\/nobody:latest": not found/);
  assert.deepEqual(await listBlobs(daemon()), []);
});

test('content is listed, read and removed', async () => {
  await pull();
  assert.deepEqual((await succeed('content', 'ls', '-q')).trim().split('\n').sort(), await listBlobs(daemon()));
  assert.match(
    await succeed('content', 'ls', '-f', `digest==${root.digest}`),
    new RegExp(`^${root.digest} +\\d+B`, 'm'),
  );
  const index = await succeed('content', 'get', root.digest);
  assert.equal(digestOf(index), root.digest);
  assert.equal(await succeed('content', 'get', '--offset', '1', '--size', '5', root.digest), index.slice(1, 6));
  assert.equal(await succeed('content', 'rm', root.digest), `${root.digest}\n`);
  assert.match((await daemon().berth(['content', 'get', root.digest])).stderr, /not found/);
  assert.match(await succeed('content', 'ingests'), /^REF +HERE +TOTAL/);
});

test('snapshots are listed, inspected and removed, children first', async () => {
  await pull();
  const [child, parent] = (await json('snapshots', 'ls')).sort((a: { parent: string }) => (a.parent === '' ? 1 : -1));
  assert.equal(child.parent, parent.name);
  assert.match(
    await succeed('snapshots', 'ls', '--usage'),
    new RegExp(`^${parent.name} +- +committed +\\d+s +1[\\d.]+KiB$`, 'm'),
  );
  const [inspected] = JSON.parse(await succeed('snapshots', 'inspect', child.name));
  assert.ok(inspected.usage.size > 100_000);
  assert.equal((await daemon().berth(['snapshots', 'rm', parent.name])).code, 1);
  assert.equal(await succeed('snapshots', 'rm', child.name, parent.name), `${child.name}\n${parent.name}\n`);
  await succeed('pull', '-q', name);
  assert.equal((await succeed('snapshots', 'ls', '-q')).trim().split('\n').length, 2);
});

test('a lease keeps what nothing else does, and gc tells what went', async () => {
  await pull();
  assert.equal(await succeed('leases', 'create', '--id', 'kept', '--expires', '1h', 'team=ci'), 'kept\n');
  assert.match(await succeed('leases', 'ls'), /^kept +\d+s +0 +containerd\.io\/gc\.expire=.*,team=ci$/m);
  const ctr = await daemon().ctr(['leases', 'ls']);
  assert.match(ctr.stdout, /^kept /m);
  await succeed('images', 'rm', name);
  const removed = await json('gc');
  assert.deepEqual({ blobs: removed.blobs, snapshots: removed.snapshots }, { blobs: 5, snapshots: 2 });
  assert.match(await succeed('gc'), /^removed 0 leases, 0 images, 0 blobs, 0 ingests, 0 snapshots, 0 files$/m);
  assert.equal(await succeed('leases', 'rm', '--sync', 'kept'), 'kept\n');
  assert.equal(await succeed('leases', 'ls', '-q'), '');
});
