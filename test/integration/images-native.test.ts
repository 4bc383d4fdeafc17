// Images on a host without overlays: the daemon's root is itself on an overlay, which the kernel takes for no upper directory.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { isMountedBelow, mountOn, unmountBelow } from '../../src/linux/mount.js';
import { assertClean, pushImage, rootfsLayer } from '../helpers/pulled-images.js';
import { rawTar } from '../helpers/raw-tar.js';
import { Registry } from '../helpers/registry.js';
import { Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();
const native = new Snapshots(daemon, 'native');
let registry: Registry;

before(async () => {
  registry = await Registry.start();
});

after(async () => await registry.stop());

/** The daemon runs on an overlay for as long as `work` takes, and not after; the mount goes also when that fails. */
async function withoutOverlays(work: () => Promise<void>): Promise<void> {
  await daemon().stop();
  const { root } = daemon();
  const at = (kind: string) => daemon().path(`beneath-${kind}`);
  for (const kind of ['lower', 'upper', 'work']) mkdirSync(at(kind));
  const options = [`lowerdir=${at('lower')}`, `upperdir=${at('upper')}`, `workdir=${at('work')}`];
  mountOn({ type: 'overlay', source: 'overlay', target: '', options }, root);
  try {
    await daemon().start();
    try {
      await work();
    } finally {
      await removeAll();
    }
  } finally {
    try {
      await daemon().stop();
    } finally {
      unmountBelow(root);
    }
  }
}

/** Through the daemon that has them. */
async function removeAll(): Promise<void> {
  const { containers } = await daemon().call(ContainersService.list, { filters: [] });
  for (const { id } of containers) await daemon().berth(['rm', '-f', id]);
  // Not by `removeImages`: overlayfs, which that looks at too, refuses all.
  const names = (await daemon().berth(['images', 'ls', '-q'])).stdout.trim().split('\n');
  for (const name of names) if (name !== '') await daemon().berth(['images', 'rm', name]);
}

async function berth(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().berth(args);
  assert.equal(code, 0, `berth ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function ctr(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().ctr(args);
  assert.equal(code, 0, `ctr ${args.join(' ')}: ${stderr}`);
  return stdout;
}

test('where overlays cannot be mounted, images are pulled and run by the native snapshotter', async () => {
  const layers = [
    rootfsLayer(daemon()),
    rawTar([
      { name: 'gone', content: 'of the first' },
      { name: 'greeting', content: 'hello\n' },
    ]),
    rawTar([{ name: '.wh.gone' }]),
  ];
  await pushImage(daemon(), registry, 'native:1', (layout) => layout.image(layers, 'amd64', { Cmd: ['/bin/sh'] }));
  const name = registry.reference('native:1');
  await withoutOverlays(async () => {
    assert.match(daemon().log, /overlays cannot be mounted here/);
    const plugins = await ctr('plugins', 'ls');
    assert.match(plugins, /^io\.containerd\.snapshotter\.v1 +overlayfs +linux\/amd64 +error *$/m);
    assert.match(plugins, /^io\.containerd\.snapshotter\.v1 +native +linux\/amd64 +ok *$/m);
    await berth('pull', name);
    const script = 'cat /greeting; ls /gone; echo changed > /greeting; cat /greeting';
    const run = await daemon().berth(['run', '--name', 'one', name, 'sh', '-c', script]);
    assert.deepEqual({ stdout: run.stdout, code: run.code }, { stdout: 'hello\nchanged\n', code: 0 }, run.stderr);
    assert.match(run.stderr, /\/gone: No such file/);
    const byCtr = ['run', '--rm', '--snapshotter', 'native', name, 'two', '/bin/cat', '/greeting'];
    assert.equal(await ctr(...byCtr), 'hello\n');
    const refused = await daemon().berth(['run', '--rm', '--snapshotter', 'overlayfs', name, 'true']);
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, /snapshotter overlayfs cannot be used here/);
    const rows = (await berth('snapshots', 'ls')).trim().split('\n').slice(1);
    assert.equal(rows.length, layers.length + 1, rows.join('\n'));
    assert.deepEqual((await berth('snapshots', 'ls', '-q')).trim().split('\n').sort(), await native.keys());
    const key = (await native.list(['kind==active']))[0]?.name ?? '';
    const [inspected] = JSON.parse(await berth('snapshots', 'inspect', key));
    assert.equal(inspected.mounts[0].type, 'bind');
    await native.prepare('scratch');
    assert.equal(await berth('snapshots', 'rm', 'scratch'), 'scratch\n');
    await berth('rm', 'one');
    await assertClean(daemon());
    await berth('check');
    await berth('images', 'rm', name);
    await berth('gc');
    assert.deepEqual(await native.keys(), []);
  });
  assert.ok(!isMountedBelow(daemon().directory));
});
