// Every subcommand of `ctr images`, `content`, `snapshots` and `leases`, with good and with bad arguments, beside the real
// containerd: the same output, the same exit code, the same kind of failure.
import { after, afterEach, before, test } from 'node:test';
import { assertAlike, type Step, step } from '../helpers/beside-containerd.js';
import { startContainerd, type TestDaemon } from '../helpers/daemon.js';
import { removeImages } from '../helpers/images.js';
import { type OciDescriptor, OciLayout } from '../helpers/oci-layout.js';
import { rawTar } from '../helpers/raw-tar.js';
import { Registry } from '../helpers/registry.js';
import { Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  for (const subject of [daemon(), reference]) {
    for (const name of ['overlayfs', 'native']) await new Snapshots(() => subject, name).removeAll();
  }
  for (const subject of [daemon(), reference]) await removeImages(subject);
});

// Between two commands nothing is collected, here or there: some of what they make is kept by nothing.
const daemon = useBerthd({ config: 'gc_delay_ms = 600_000' });
const noCollection = `[plugins."io.containerd.gc.v1.scheduler"]
mutation_threshold = 1000000
pause_threshold = 0.0000001
`;

let reference: TestDaemon;
let registry: Registry;
let index: OciDescriptor;
let manifest: OciDescriptor;
let host: string;
let name: string;

const nowhere = `sha256:${'0'.repeat(64)}`;
/** Of `hello`. */
const hello = 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

before(async () => {
  registry = await Registry.start();
  reference = await startContainerd([], { addedConfig: noCollection });
  const directory = reference.path('layout');
  const layout = await OciLayout.create(directory);
  const base = rawTar([
    { name: 'bin/', type: '5', mode: 0o755 },
    { name: 'bin/file', content: 'first' },
  ]);
  const next = rawTar([{ name: 'bin/.wh.file' }, { name: 'other', content: 'second' }]);
  manifest = await layout.image([base, next], 'amd64', { Cmd: ['/bin/file'] });
  index = await layout.index([manifest, await layout.image([base], 'arm64')]);
  await layout.finish(index);
  await registry.push(directory, 'app:1');
  host = `127.0.0.1:${registry.port}`;
  name = registry.reference('app:1');
});

after(async () => {
  await registry.stop();
  await reference.dispose();
});

async function alike(steps: readonly Step[]): Promise<void> {
  await assertAlike([daemon(), reference], steps);
}

const commands = (...lines: readonly string[]): Step[] => lines.map((line) => step(line));
const slow = (line: string): Step => step(line, { isProgress: true });

test('images: ls, check, tag, label', async () => {
  await alike([
    slow(`image pull --plain-http ${name}`),
    ...commands(
      'image ls',
      'image ls -q',
      `image ls name==${name}`,
      '! image ls name==',
      'image check',
      'image check -q',
    ),
    ...commands('image check name==none', `image tag ${name} example.org/a:1`, `! image tag ${name} example.org/a:1`),
    ...commands(`image tag --force ${name} example.org/a:1`, '! image tag none other', `! image tag ${name}`),
    ...commands(`image label ${name} a=1 b=2`, `image label ${name} a= c=3`, '! image label none a=1'),
    ...commands(`image label ${name} bare`, `image label --replace-all ${name} d=4`, 'image ls'),
  ]);
});

test('images: export, import, push, convert, mount, unmount, rm', async () => {
  await alike([
    slow(`image pull --plain-http ${name}`),
    ...commands(`image export DIR/one.tar ${name}`, '! image export DIR/none.tar none'),
    // The other platform's content is not here.
    ...commands(`! image export --platform linux/arm64 DIR/arm.tar ${name}`),
    ...commands(`! image export --all-platforms DIR/all.tar ${name}`),
    slow(`image pull --plain-http --all-platforms ${name}`),
    ...commands(`image export --all-platforms DIR/all.tar ${name}`),
    ...commands('image import --base-name foo/bar --digests DIR/one.tar', 'image ls -q'),
    ...commands('image import --no-unpack --index-name one DIR/all.tar', 'image ls -q'),
    ...commands('! image import DIR/missing.tar', '! image import DIR/config.toml'),
    slow(`image push --plain-http ${host}/new:1 ${name}`),
    ...commands(`! image push --plain-http ${host}/none:1`),
    ...commands(`image convert --uncompress --oci ${name} converted:1`, 'image ls', 'image check'),
    ...commands(`image mount ${name} DIR/fifo`, 'snapshots ls', 'image unmount --rm DIR/fifo', 'snapshots ls'),
    ...commands('! image mount none DIR/fifo', `! image mount ${name} DIR/missing`, 'image unmount DIR/missing'),
    ...commands('image rm none', `image rm ${name} none`, 'image ls -q', 'image rm'),
  ]);
});

test('content: fetch, ls, get, label, ingest, active, edit', async () => {
  await alike([
    slow(`content fetch --plain-http --all-platforms ${name}`),
    ...commands(
      'content ls -q',
      `content get ${manifest.digest}`,
      `! content get ${nowhere}`,
      '! content get nonsense',
    ),
    ...commands(
      '! content get',
      `content ls -q digest==${manifest.digest}`,
      '! content ls digest==',
      '! content ls size>1',
    ),
    ...commands(`content label ${manifest.digest} a=1 b=2`, `content label ${manifest.digest}`),
    ...commands(
      `content label ${manifest.digest} a=`,
      `! content label ${nowhere} a=1`,
      '! content label nonsense a=1',
    ),
    step('content ingest whole', { input: 'hello' }),
    step('content ingest whole', { input: 'hello' }),
    step('! content ingest --expected-size 9 short', { input: 'hello' }),
    step('content active'),
    step(`! content ingest --expected-digest ${nowhere} other`, { input: 'something else' }),
    step('! content ingest --expected-digest nonsense bad', { input: 'x' }),
    step('! content ingest', { input: 'x' }),
    step('content ingest empty', { input: '' }),
    ...commands(
      `content get ${hello}`,
      `! content edit --editor false ${hello}`,
      `! content edit --editor true ${nowhere}`,
    ),
    // Unchanged, it is there already.
    ...commands(`! content edit --editor true ${hello}`),
    { args: ['content', 'edit', '--editor', 'truncate --size 3', hello] },
    step('content ls -q'),
  ]);
});

test('content: fetch-object, push-object, rm, prune', async () => {
  await alike([
    slow(`content fetch --plain-http ${name}`),
    ...commands(`content fetch-object --plain-http ${name} ${manifest.digest}`),
    ...commands(`content fetch-object --plain-http ${name}`, `! content fetch-object --plain-http ${host}/none:1 x`),
    ...commands(`content push-object --plain-http ${host}/NAMESPACE:1 ${manifest.digest} nonsense`),
    ...commands(`! content push-object --plain-http ${host}/NAMESPACE:1 ${manifest.digest} nonsense`),
    ...commands(`! content push-object --plain-http ${host}/app:1 ${nowhere} x`),
    step('content ingest loose', { input: 'hello' }),
    ...commands('content prune references --dry', `content rm ${nowhere}`, '! content rm nonsense', 'content rm'),
    ...commands(`content rm ${hello}`, `content rm ${hello}`, 'content prune references', 'content ls -q'),
  ]);
});

test('snapshots: prepare, mounts, commit, view, info, label, ls, tree, usage, rm', async () => {
  await alike([
    slow(`image pull --plain-http ${name}`),
    ...commands('snapshots ls', 'snapshots tree', 'snapshots usage', 'snapshots usage -b'),
    ...commands(
      'snapshots prepare one',
      '! snapshots prepare one',
      '! snapshots prepare two none',
      'snapshots prepare',
    ),
    ...commands(
      '! snapshots prepare three one',
      'snapshots prepare --mounts four',
      'snapshots prepare --target DIR/m five',
    ),
    ...commands('snapshots mounts DIR/m one', '! snapshots mounts DIR/m none', 'snapshots mounts DIR/m'),
    ...commands('snapshots info one', '! snapshots info none', 'snapshots info'),
    ...commands('snapshots commit base one', '! snapshots commit base four', '! snapshots commit other none'),
    ...commands('snapshots commit base', '! snapshots commit other base', 'snapshots view look base'),
    ...commands('! snapshots view look base', '! snapshots view other none', '! snapshots view other look'),
    ...commands('snapshots view --mounts shown base', 'snapshots view empty', '! snapshots commit other look'),
    ...commands('snapshots prepare upper base', 'snapshots mounts DIR/m upper', 'snapshots mounts DIR/m look'),
    ...commands('! snapshots mounts DIR/m base', 'snapshots info base', 'snapshots label base a=1'),
    ...commands(
      'snapshots label base a= b=2',
      'snapshots label base',
      '! snapshots label none a=1',
      'snapshots info base',
    ),
    ...commands('snapshots ls', 'snapshots tree', 'snapshots usage base upper', '! snapshots usage none'),
    ...commands(
      '! snapshots rm base',
      '! snapshots rm none',
      '! snapshots rm look none',
      'snapshots rm',
      'snapshots ls',
    ),
  ]);
});

test('snapshots: unpack, diff, and the native snapshotter', async () => {
  const native = (...lines: readonly string[]) =>
    commands(...lines.map((line) => `snapshots --snapshotter native ${line}`));
  await alike([
    slow(`content fetch --plain-http ${name}`),
    slow(`snapshots unpack ${index.digest}`),
    // An image's own digest is wanted, which here is that of its index.
    ...commands(
      `! snapshots unpack ${manifest.digest}`,
      `! snapshots unpack ${nowhere}`,
      '! snapshots unpack nonsense',
    ),
    ...commands('! snapshots unpack', 'snapshots ls', 'snapshots usage'),
    ...commands('! snapshots diff none', 'snapshots prepare one', '! snapshots diff one none'),
    ...commands('snapshots diff --media-type application/vnd.oci.image.layer.v1.tar one'),
    ...commands('! snapshots diff --media-type nonsense one'),
    ...native(
      'prepare one',
      'ls',
      'mounts DIR/m one',
      'usage',
      'commit base one',
      'view look base',
      'mounts DIR/m look',
    ),
    ...native('tree', 'rm look base', 'ls'),
    ...commands('! snapshots --snapshotter none ls', '! snapshots --snapshotter none prepare one'),
  ]);
});

test('leases: create, ls, rm', async () => {
  await alike([
    ...commands('leases ls', 'leases create --id one', '! leases create --id one'),
    ...commands('leases create --id two --expires 1h a=1', 'leases create --id a/b', 'leases create --id bare word'),
    ...commands('leases create --id past --expires -1h', 'leases ls', 'leases ls -q', 'leases ls id==two'),
    ...commands(
      'leases ls labels.a==1',
      '! leases ls id==',
      'leases rm one',
      '! leases rm one',
      'leases rm --sync two past',
    ),
    ...commands('leases rm', 'leases rm a/b bare', 'leases ls'),
  ]);
});
