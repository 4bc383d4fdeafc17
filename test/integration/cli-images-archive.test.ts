// berth images import and export: with ctr and skopeo on the other side, and archives that lie.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { listBlobs } from '../helpers/content.js';
import { removeImages } from '../helpers/images.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { runProgram } from '../helpers/program.js';
import { assertClean, rootfsLayer } from '../helpers/pulled-images.js';
import { rawTar } from '../helpers/raw-tar.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => await removeImages(daemon()));

const daemon = useBerthd();

async function succeed(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().berth(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function program(file: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await runProgram(file, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

let lastLayout = 0;

/** An image that runs, as an OCI layout in a directory. */
async function busyboxLayout(): Promise<string> {
  lastLayout++;
  const directory = daemon().path(`archive-layout-${lastLayout}`);
  const layout = await OciLayout.create(directory);
  const layers = [rootfsLayer(daemon()), rawTar([{ name: 'greeting', content: 'hello\n' }])];
  await layout.finish(await layout.image(layers, 'amd64', { Cmd: ['/bin/cat', '/greeting'] }));
  return directory;
}

async function checkRuns(name: string): Promise<void> {
  const { stdout, stderr } = await daemon().ctr(['run', '--rm', name, 'imported']);
  assert.equal(stdout, 'hello\n', stderr);
}

test('what docker save writes is imported and runs', async () => {
  const archive = daemon().path('docker.tar');
  await program(
    'skopeo',
    '--insecure-policy',
    'copy',
    `oci:${await busyboxLayout()}`,
    `docker-archive:${archive}:team/app:1`,
  );
  assert.equal(await succeed('images', 'import', archive), 'docker.io/team/app:1\n');
  await checkRuns('docker.io/team/app:1');
  await assertClean(daemon());
});

test('an OCI layout by gzip comes through standard input, with the base name before its tag', async () => {
  const archive = daemon().path('oci.tar');
  await program('skopeo', '--insecure-policy', 'copy', `oci:${await busyboxLayout()}`, `oci-archive:${archive}:v1`);
  const input = gzipSync(readFileSync(archive));
  const nameless = await daemon().berth(['images', 'import', '-'], { input });
  assert.equal(nameless.code, 1);
  assert.match(nameless.stderr, /the archive has no full name for image sha256:/);
  const named = await daemon().berth(['images', 'import', '--base-name', 'host.example/app', '-'], { input });
  assert.deepEqual(
    { stdout: named.stdout, code: named.code },
    { stdout: 'host.example/app:v1\n', code: 0 },
    named.stderr,
  );
  await checkRuns('host.example/app:v1');
});

test('what berth exports, ctr and skopeo read, and what ctr exports, berth reads', async () => {
  const [first, second, third] = ['first.tar', 'second.tar', 'third'].map((name) => daemon().path(name)) as [
    string,
    string,
    string,
  ];
  await program(
    'skopeo',
    '--insecure-policy',
    'copy',
    `oci:${await busyboxLayout()}`,
    `docker-archive:${first}:team/app:1`,
  );
  await succeed('images', 'import', first);
  const name = 'docker.io/team/app:1';
  await succeed('images', 'export', '--file', second, 'team/app:1');
  const blobs = await listBlobs(daemon());
  await program('skopeo', '--insecure-policy', 'copy', `oci-archive:${second}`, `dir:${third}`);
  const loaded = await program('skopeo', 'inspect', '--config', `docker-archive:${second}`);
  assert.deepEqual(JSON.parse(loaded).config.Cmd, ['/bin/cat', '/greeting']);
  await removeImages(daemon());
  const imported = await daemon().ctr(['image', 'import', second]);
  assert.equal(imported.code, 0, imported.stderr);
  // ctr keeps the archive's own index as well.
  const byCtr = await listBlobs(daemon());
  assert.deepEqual(
    blobs.filter((digest) => !byCtr.includes(digest)),
    [],
  );
  await checkRuns(name);
  const exported = await daemon().ctr(['image', 'export', first, name]);
  assert.equal(exported.code, 0, exported.stderr);
  await removeImages(daemon());
  assert.equal(await succeed('images', 'import', first), `${name}\n`);
  await checkRuns(name);
  const { stdoutBytes } = await daemon().berth(['images', 'export', name]);
  assert.deepEqual(
    createHash('sha256').update(stdoutBytes).digest('hex'),
    createHash('sha256').update(readFileSync(second)).digest('hex'),
  );
});

test('of an image for several platforms all that is here goes, and comes', async () => {
  const directory = daemon().path('platforms');
  const layout = await OciLayout.create(directory);
  const layer = () => rawTar([{ name: 'some', content: randomBytes(10_000) }]);
  const index = await layout.index([await layout.image([layer()]), await layout.image([layer()], 'arm64')]);
  await layout.finish(index);
  const archive = daemon().path('platforms.tar');
  await program('tar', '--create', '--file', archive, '-C', directory, '.');
  assert.equal(await succeed('images', 'import', '--base-name', 'multi', archive), 'docker.io/library/multi:latest\n');
  const all = await listBlobs(daemon());
  assert.equal(all.length, 7);
  const labels = (await daemon().call(ContentService.info, { digest: index.digest })).info?.labels ?? {};
  assert.equal(Object.keys(labels).filter((key) => key.startsWith('containerd.io/gc.ref.content.m.')).length, 2);
  const whole = daemon().path('whole.tar');
  await succeed('images', 'export', '-f', whole, 'multi');
  const arm = daemon().path('arm.tar');
  await succeed('images', 'export', '--platform', 'arm64', '-f', arm, 'multi');
  await removeImages(daemon());
  await succeed('images', 'import', whole);
  assert.deepEqual(await listBlobs(daemon()), all);
  await removeImages(daemon());
  await succeed('images', 'import', arm);
  assert.equal((await listBlobs(daemon())).length, 3);
});

test('archives that are damaged or lie are refused, and nothing of them is left', async () => {
  const { image, tar: good } = await archiveOf('damaged', () => undefined);
  // Of an image of its own: what a refused archive brought whole may be here still, and would be taken for this one's.
  const { tar: lying } = await archiveOf('lying', (manifest) => {
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('layers', 'lavers'));
  });
  const missing = rawTar([
    { name: 'oci-layout', content: '{}' },
    { name: 'index.json', content: JSON.stringify({ manifests: [image] }) },
  ]);
  const docker = rawTar([
    { name: 'manifest.json', content: JSON.stringify([{ Config: '../../etc/passwd', RepoTags: ['a:b'], Layers: [] }]) },
  ]);
  const refused: readonly (readonly [Buffer, RegExp])[] = [
    [good.subarray(0, good.length / 2), /no valid tar archive/],
    [gzipSync(good).subarray(0, 100_000), /no valid tar archive/],
    [lying, /unexpected commit digest/],
    [Buffer.alloc(0), /the archive is empty/],
    [randomBytes(5000), /no valid tar archive/],
    [rawTar([{ name: 'readme', content: 'x' }]), /neither an OCI layout nor one of docker save/],
    [missing, /content sha256:[0-9a-f]+ of the image is not here/],
    [docker, /the archive has no \.\.\/\.\.\/etc\/passwd/],
    [rawTar([{ name: 'index.json', size: 900_000_000, content: 'x' }]), /index\.json has more than 8388608 bytes/],
    [Buffer.from('28b52ffd00000000', 'hex'), /archives by zstd are not read/],
  ];
  for (const [input, message] of refused) {
    const { code, stderr } = await daemon().berth(['images', 'import', '--base-name', 'x', '-'], { input });
    assert.equal(code, 1, `expected ${String(message)}`);
    assert.match(stderr, message);
  }
  await removeImages(daemon());
  await assertClean(daemon());
});

/** An archive of a small image's layout, with its manifest's file as `damage` leaves it. */
async function archiveOf(name: string, damage: (manifest: string) => void) {
  const directory = daemon().path(name);
  const layout = await OciLayout.create(directory);
  const image = await layout.image([rawTar([{ name: 'some', content: randomBytes(300_000) }])]);
  await layout.finish(image);
  damage(join(directory, 'blobs/sha256', image.digest.replace('sha256:', '')));
  const archive = daemon().path(`${name}.tar`);
  await program('tar', '--create', '--file', archive, '-C', directory, '.');
  return { image, tar: readFileSync(archive) };
}
