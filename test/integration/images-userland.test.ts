// A Debian userland that debootstrap made, in an image of several layers: pulled by `berth` and by ctr, unpacked as the
// real containerd unpacks it, and run.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startContainerd, type TestDaemon } from '../helpers/daemon.js';
import { removeImages } from '../helpers/images.js';
import { OciLayout } from '../helpers/oci-layout.js';
import { pullBy, pulledTree, type Puller } from '../helpers/pulled-images.js';
import { rawTar } from '../helpers/raw-tar.js';
import { Registry } from '../helpers/registry.js';
import { useBerthd } from '../helpers/use-berthd.js';
import { debianLayer } from '../helpers/userland.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  await removeImages(daemon());
});

const daemon = useBerthd();

/** A pull of thousands of files on a loaded machine. */
const pullLimitMs = 120_000;
/** Debian's smallest has more. */
const leastFiles = 3000;

let reference: TestDaemon;
let registry: Registry;
let name: string;
let expected: Map<string, string>;

before(async () => {
  reference = await startContainerd();
  registry = await Registry.start();
  const directory = reference.path('debian-layout');
  const layout = await OciLayout.create(directory, 1);
  const config = { Cmd: ['/bin/bash'], Env: ['PATH=/usr/sbin:/usr/bin'], User: 'games', WorkingDir: '/srv' };
  await layout.finish(await layout.image([debianLayer(), changes()], 'amd64', config));
  await registry.push(directory, 'debian:1');
  name = registry.reference('debian:1');
  await pull(reference, 'ctr');
  expected = await pulledTree(reference);
});

after(async () => {
  await registry.stop();
  await reference.dispose();
});

/** Hides a file and all that a directory has, replaces a link and a setuid program, and adds to what is there. */
function changes(): Buffer {
  const mtime = 1_600_000_000;
  const directory = (name: string) => ({ name, type: '5', mode: 0o755, mtime });
  return rawTar([
    ...['etc/', 'etc/apt/', 'usr/', 'usr/bin/', 'srv/'].map(directory),
    { name: 'etc/apt/.wh..wh..opq' },
    { name: 'etc/apt/sources.list', content: 'deb http://deb.debian.org/debian bookworm main\n', mtime },
    { name: 'usr/bin/.wh.chfn' },
    { name: 'etc/os-release', content: 'NAME=Changed\n', mtime },
    { name: 'usr/bin/chsh', content: '#!/bin/sh\n', mode: 0o6755, uid: 5, gid: 60, mtime },
    { name: 'srv/made', content: 'made\n', uid: 5, gid: 60, mtime },
  ]);
}

async function pull(subject: TestDaemon, how: Puller): Promise<void> {
  await pullBy(how, subject, name, { limitMs: pullLimitMs });
}

for (const how of ['berth', 'ctr'] as const) {
  test(`pulled by ${how}, every file of it is as containerd has it`, async () => {
    await pull(daemon(), how);
    const tree = await pulledTree(daemon());
    assert.ok(tree.size > leastFiles, `${tree.size} files`);
    assert.deepEqual(Object.fromEntries(tree), Object.fromEntries(expected));
    assert.match(tree.get('usr/bin/passwd') ?? '', /^file mode=4755 owner=0:0 /);
    assert.match(tree.get('usr/bin/chsh') ?? '', /^file mode=6755 owner=5:60 .* size=10 /);
    assert.match(tree.get('dev/null') ?? '', /^character mode=666 .* device=259$/);
    assert.match(tree.get('usr/bin/perl5.36.0') ?? '', / same-as=usr\/bin\/perl$/);
    assert.deepEqual(
      [...tree.keys()].filter((path) => path.startsWith('etc/apt/') || path === 'usr/bin/chfn'),
      ['etc/apt/sources.list'],
    );
  });
}

test('its shell runs as the user that the image names, with its programs', async () => {
  const script =
    'id -un; id -g; pwd; cat made; . /etc/os-release; echo $NAME; dpkg --status bash | grep ^Status; perl -e "print 6*7"';
  const run = await daemon().berth(['run', '--rm', '--quiet', name, 'bash', '-c', script], {
    limitMs: pullLimitMs,
  });
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(run.stdout.split('\n'), [
    'games',
    '60',
    '/srv',
    'made',
    'Changed',
    'Status: install ok installed',
    '42',
  ]);
  const byCtr = await daemon().ctr(['run', '--rm', name, 'by-ctr', 'bash', '-c', 'id -u; umask; exit 3']);
  assert.deepEqual([byCtr.stdout, byCtr.code], ['5\n0022\n', 3], byCtr.stderr);
});
