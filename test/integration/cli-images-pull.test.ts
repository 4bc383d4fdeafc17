// `berth pull` from a real registry, with the real ctr on the other side.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { listBlobs, readBlob } from '../helpers/content.js';
import { removeImages } from '../helpers/images.js';
import { rawTar } from '../helpers/raw-tar.js';
import { assertClean, pushImage, rootfsLayer } from '../helpers/pulled-images.js';
import { Registry } from '../helpers/registry.js';
import { startInTerminal } from '../helpers/terminal.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => await removeImages(daemon()));

const daemon = useBerthd();
let registry: Registry;

before(async () => {
  registry = await Registry.start();
});

after(async () => await registry.stop());

async function succeed(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().berth(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

const someLayer = () => rawTar([{ name: 'some', content: randomBytes(100_000) }]);

test('what berth pulls, ctr runs', async () => {
  const layers = [rootfsLayer(daemon()), rawTar([{ name: 'greeting', content: 'hello from a layer\n' }])];
  const root = await pushImage(daemon(), registry, 'run:1', (layout) => layout.image(layers));
  const name = registry.reference('run:1');
  const { stdout, stderr, code } = await daemon().berth(['pull', name]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `${name}\n`);
  assert.match(stderr, /^[0-9a-f]{12}: fetched [\d.]+[KMi]*B$/m);
  assert.match(stderr, /^[0-9a-f]{12}: unpacked$/m);
  const run = await daemon().ctr(['run', '--rm', name, 'pulled', '/bin/cat', '/greeting']);
  assert.deepEqual({ stdout: run.stdout, code: run.code }, { stdout: 'hello from a layer\n', code: 0 }, run.stderr);
  const listed = await daemon().ctr(['image', 'check']);
  assert.match(listed.stdout, new RegExp(`^${name} .*${root.digest} +complete \\(3/3\\).*true`, 'm'));
  await assertClean(daemon());
});

test('what ctr has pulled, berth need not fetch again', async () => {
  await pushImage(daemon(), registry, 'twice:1', (layout) => layout.image([someLayer(), someLayer()]));
  const name = registry.reference('twice:1');
  const pulled = await daemon().ctr(['image', 'pull', '--plain-http', '--snapshotter', 'overlayfs', name]);
  assert.equal(pulled.code, 0, pulled.stderr);
  const before = await listBlobs(daemon());
  const { stderr, code } = await daemon().berth(['pull', name]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /already here$/m);
  assert.doesNotMatch(stderr, /fetched/);
  assert.deepEqual(await listBlobs(daemon()), before);
});

test('labels are those that ctr makes', async () => {
  await pushImage(daemon(), registry, 'labels:1', async (layout) =>
    layout.index([await layout.image([someLayer(), someLayer()]), await layout.image([someLayer()], 'arm64')]),
  );
  const name = registry.reference('labels:1');
  const labels = async () => {
    const found: Record<string, unknown> = {};
    for (const digest of await listBlobs(daemon())) {
      found[digest] = (await daemon().call(ContentService.info, { digest })).info?.labels;
    }
    return found;
  };
  const byCtr = await daemon().ctr(['image', 'pull', '--plain-http', '--platform', 'linux/amd64', name]);
  assert.equal(byCtr.code, 0, byCtr.stderr);
  const expected = await labels();
  await removeImages(daemon());
  await succeed('pull', '--platform', 'linux/amd64', name);
  assert.deepEqual(await labels(), expected);
});

test('of an index the platform that was asked for comes, or all', async () => {
  const root = await pushImage(daemon(), registry, 'multi:1', async (layout) =>
    layout.index([await layout.image([someLayer()], 'amd64'), await layout.image([someLayer()], 'arm64')]),
  );
  const name = registry.reference('multi:1');
  const result = JSON.parse(await succeed('-o', 'json', 'pull', '--platform', 'linux/arm64', name));
  assert.equal(result.digest, root.digest);
  assert.match(result.chainId, /^sha256:/);
  assert.equal((await listBlobs(daemon())).length, 4);
  const missing = await daemon().berth(['pull', '--platform', 'linux/s390x', name]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /has nothing for linux\/s390x: not found/);
  await succeed('pull', '--all-platforms', name);
  assert.equal((await listBlobs(daemon())).length, 7);
  await succeed('pull', '--all-platforms', '--no-unpack', name);
});

test('by digest, and a tag that has moved on', async () => {
  const first = await pushImage(daemon(), registry, 'moving:1', (layout) => layout.image([someLayer()]));
  await succeed('pull', registry.reference('moving:1'));
  const second = await pushImage(daemon(), registry, 'moving:1', (layout) => layout.image([someLayer()]));
  await succeed('pull', registry.reference('moving:1'));
  const byDigest = registry.reference(`moving@${first.digest}`);
  assert.equal(await succeed('pull', byDigest), `${byDigest}\n`);
  const { stdout } = await daemon().ctr(['image', 'ls']);
  assert.match(stdout, new RegExp(`moving:1 .*${second.digest}`));
  assert.match(stdout, new RegExp(`moving@${first.digest} .*${first.digest}`));
  assert.ok((await readBlob(daemon(), first.digest)).length > 0);
});

test('an image that is not there, and references that cannot be', async () => {
  const missing = await daemon().berth(['pull', registry.reference('nothing:1')]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /manifest 1 of nothing: the registry answered 404: MANIFEST_UNKNOWN/);
  const bad = await daemon().berth(['pull', 'Not/Lower']);
  assert.match(bad.stderr, /image reference "Not\/Lower"/);
  const nobody = await daemon().berth(['pull', '127.0.0.1:1/x']);
  assert.match(nobody.stderr, /127\.0\.0\.1:1\/v2\/: nobody listens there/);
});

test('in a terminal there is a bar for each layer', async () => {
  await pushImage(daemon(), registry, 'bars:1', (layout) => layout.image([someLayer(), someLayer(), someLayer()]));
  const name = registry.reference('bars:1');
  const { program } = startInTerminal(daemon().berthCommand(['pull', name]), { columns: 100, rows: 30 });
  const { stdout, code } = await program.result();
  assert.equal(code, 0, stdout);
  // What the bars show last: nothing of a layer may be missing.
  for (const digest of (await listBlobs(daemon())).map((text) => text.slice(7, 19))) {
    const isLayer = new RegExp(`${digest} \\[=+\\] +[\\d.]+KiB/[\\d.]+KiB unpacked`).test(stdout);
    const isDocument = new RegExp(`${digest} \\[=+\\] +\\d+B/\\d+B fetched`).test(stdout);
    const isManifest = !stdout.includes(digest);
    assert.ok(isLayer || isDocument || isManifest, `${digest} in ${JSON.stringify(stdout)}`);
  }
  assert.equal(
    new Set([...stdout.matchAll(/([0-9a-f]{12}) \[=+\] [^\n]* unpacked/g)].map((match) => match[1])).size,
    3,
  );
  assert.ok(stdout.trimEnd().endsWith(name));
});
