// `berth run IMAGE`: what the image says, what the options change, and that nothing is left behind.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { busyboxLayer, importImage, layerOf, removeImages } from '../helpers/images.js';
import type { ProgramResult } from '../helpers/program.js';
import { Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  const { containers } = await daemon().call(ContainersService.list, { filters: [] });
  for (const { id } of containers) await daemon().berth(['rm', '-f', id]);
  await removeImages(daemon());
  await assertCheckClean(daemon());
});

const daemon = useBerthd();
let busybox: Buffer | undefined;

/** The same bytes each time, since the tar tells when the files were made. */
function baseLayer(): Buffer {
  busybox ??= busyboxLayer(daemon());
  return busybox;
}

const users = {
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n',
  'etc/group': 'root:x:0:\nweb:x:34:\nlogs:x:40:web\n',
};

/** An image called `name` with busybox, these files on it, and this configuration. */
async function haveImage(
  name: string,
  config: object,
  files: Readonly<Record<string, string>> = users,
  script = '',
): Promise<void> {
  const layers = [baseLayer(), layerOf(daemon(), files, script)];
  await importImage(daemon(), name, (layout) => layout.image(layers, 'amd64', config));
}

async function run(...args: string[]): Promise<ProgramResult> {
  return await daemon().berth(['run', ...args]);
}

async function output(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await run('--rm', ...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

test("a container has its image's command, environment, working directory and user, with all groups", async () => {
  await haveImage('example/app:1', {
    Entrypoint: ['sh', '-c'],
    Cmd: ['echo $GREETING $HOME; pwd; id -u; id -g; id -G'],
    Env: ['GREETING=hello', 'PATH=/bin'],
    WorkingDir: '/srv/app',
    User: 'web',
  });
  assert.equal(await output('example/app:1'), 'hello /srv\n/srv/app\n33\n34\n34 40\n');
  assert.equal(await output('-e', 'GREETING=bye', '-w', '/', 'example/app:1', 'echo $GREETING; pwd'), 'bye\n/\n');
  assert.equal(await output('-u', 'root', 'example/app:1', 'id -u; id -G'), '0\n0\n');
  assert.equal(await output('-u', 'web:logs', 'example/app:1', 'id -g; id -G'), '40\n40\n');
  assert.equal(await output('--entrypoint', 'echo', 'example/app:1', 'a', 'b'), 'a b\n');
  assert.equal(await output('--entrypoint', '', 'example/app:1', 'echo', 'c'), 'c\n');
});

test("the same user as the real ctr's `run` gives", async () => {
  await haveImage('example/app:1', { Cmd: ['id'], User: 'web' });
  const ours = await output('example/app:1', 'grep', '-E', '^(Uid|Gid|Groups):', '/proc/self/status');
  const { stdout, stderr, code } = await daemon().ctr([
    'run',
    '--rm',
    'example/app:1',
    'theirs',
    'grep',
    '-E',
    '^(Uid|Gid|Groups):',
    '/proc/self/status',
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(ours, stdout);
});

test('labels, stop signal, name: the image gives them, and they are told', async () => {
  const script = 'trap "exit 5" USR1; while :; do sleep 0.01; done';
  await haveImage('registry.example:5000/team/web:2', {
    Cmd: ['sh', '-c', script],
    StopSignal: 'SIGUSR1',
    Labels: { version: '2', tier: 'front' },
  });
  const { stdout, code, stderr } = await run('-d', '-l', 'tier=back', 'registry.example:5000/team/web:2');
  assert.equal(code, 0, stderr);
  const id = stdout.trim();
  assert.match(id, /^web-[0-9a-f]{8}$/);
  const { container } = await daemon().call(ContainersService.get, { id });
  assert.equal(container?.image, 'registry.example:5000/team/web:2');
  assert.deepEqual([container?.labels['version'], container?.labels['tier']], ['2', 'back']);
  const { process } = await daemon().call(TasksService.get, { containerId: id, execId: '' });
  const catches = () =>
    (BigInt(`0x${/SigCgt:\t(\w+)/.exec(statusOf(process?.pid))?.[1]}`) & userSignal) !== 0n || undefined;
  await poll(catches, { limitMs: 10_000, intervalMs: 10, what: 'the trap to be set' });
  assert.equal((await daemon().berth(['stop', '-t', '20', id])).code, 0);
  const exits = JSON.parse((await daemon().berth(['-o', 'json', 'exits', 'get', id])).stdout) as { exitStatus: number };
  assert.equal(exits.exitStatus, 5);
  assert.equal((await daemon().berth(['rm', id])).code, 0);
  assert.deepEqual((await new Snapshots(daemon).list(['kind==active'])).length, 0);
});

/** SIGUSR1 in a mask of /proc/PID/status. */
const userSignal = 0x200n;

function statusOf(pid = 0): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}

test('a volume begins with what the image has there, is of the container, and goes with it', async () => {
  const volume = { 'data/a': 'from the image', 'data/sub/': '' };
  await haveImage(
    'example/db:1',
    { Cmd: ['sh'], Volumes: { '/data': {}, '/none/yet': {} } },
    { ...users, ...volume },
    'chown 33:34 data; chmod 2770 data',
  );
  const script =
    'stat -c "%u %g %a" /data; cat /data/a; echo; ls /none/yet; echo new > /data/b; grep -c " /data " /proc/mounts';
  const { stdout, code, stderr } = await run('--name', 'db', 'example/db:1', 'sh', '-c', script);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '33 34 2770\nfrom the image\n1\n');
  // What went into the volume is no part of the container's own layer.
  const { snapshotKey = '' } = (await daemon().call(ContainersService.get, { id: 'db' })).container ?? {};
  assert.ok(!(await new Snapshots(daemon).mounts(snapshotKey)).some(({ source }) => source.includes('volumes')));
  assert.equal(await output('example/db:1', 'ls', '/data'), 'a\nsub\n');
  assert.equal(await output('--mount', 'type=tmpfs,dst=/data', 'example/db:1', 'ls', '/data'), '');
});

test('an image is unpacked when it is wanted, once, however many want it', async () => {
  await haveImage('example/app:1', { Cmd: ['true'] });
  assert.deepEqual(await new Snapshots(daemon).keys(), []);
  const runs = ['one', 'two', 'three', 'four'].map((id) => run('--rm', '--name', id, 'example/app:1', 'echo', id));
  const results = await Promise.all(runs);
  assert.deepEqual(
    results.map(({ stdout, code }) => [stdout, code]),
    ['one', 'two', 'three', 'four'].map((id) => [`${id}\n`, 0]),
  );
  const left = await new Snapshots(daemon).list();
  assert.deepEqual(
    left.map(({ kind }) => kind),
    [3, 3],
  );
  assert.equal(await output('--snapshotter', 'native', 'example/app:1', 'echo', 'copied'), 'copied\n');
});

test('of an index the platform of this host is run, or the one that was asked for is refused', async () => {
  await importImage(daemon(), 'example/multi:1', async (layout) => {
    const config = { Cmd: ['cat', '/arch'] };
    const of = async (arch: string) => await layout.image([baseLayer(), layerOf(daemon(), { arch })], arch, config);
    return await layout.index([await of('arm64'), await of('amd64')]);
  });
  assert.equal(await output('example/multi:1'), 'amd64');
  const { stderr, code } = await run('--pull', 'never', '--platform', 'linux/s390x', 'example/multi:1');
  assert.equal(code, 125);
  assert.match(stderr, /has nothing for linux\/s390x/);
});

test('what cannot be run is refused in one line, and leaves nothing', async () => {
  await haveImage('example/app:1', { Entrypoint: ['/no/such/program'] });
  await haveImage('example/empty:1', {});
  for (const [args, code, message] of [
    [['--pull', 'never', 'example/missing:1', 'true'], 125, /image "docker.io\/example\/missing:1": not found/],
    [['-u', 'nobody-here', 'example/app:1'], 125, /the image has no user "nobody-here"/],
    [['example/app:1'], 127, /no such file or directory/],
    [['example/empty:1'], 2, /the image names no command/],
    [['--name', '../x', 'example/app:1', 'true'], 125, /container id/],
    [['--platform', 'x/y/z/w', 'example/app:1', 'true'], 125, /platform/],
    [['--snapshotter', 'zfs', 'example/app:1', 'true'], 125, /snapshotter not loaded: zfs/],
  ] as const) {
    const result = await run('--rm', ...args);
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, message);
    assert.equal(result.stderr.trim().split('\n').length, 1);
  }
  assert.deepEqual((await new Snapshots(daemon).list(['kind==active'])).length, 0);
});

test('links in the image lead neither the look-up of users nor the copy of a volume out of it', async () => {
  await haveImage(
    'example/evil:1',
    { Cmd: ['sh', '-c', 'id -u; ls /vol'], User: 'web', Volumes: { '/vol': {} } },
    { 'real/passwd': users['etc/passwd'], 'inside/kept': '' },
    'mkdir etc; ln -s /real/passwd etc/passwd; mkfifo etc/group2; ln -s ../../../../../inside vol',
  );
  // The link is one of the image's own tree, and so is what it leads to.
  assert.match(await output('example/evil:1'), /^33\n/);
  await haveImage('example/fifo:1', { Cmd: ['id'], User: 'web' }, {}, 'mkdir etc; mkfifo etc/passwd');
  const { stderr, code } = await run('--rm', 'example/fifo:1');
  assert.equal(code, 125);
  assert.match(stderr, /the image's users cannot be read: \/etc\/passwd is no plain file/);
});
