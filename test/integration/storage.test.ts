// berth.v1.Storage beside containers: metadata, directories, mounts on the host, export and commit, by `berth` and `ctr`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { StorageService } from '../../src/generated/berth/v1/storage.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { ImagesService } from '../../src/generated/containerd/services/images/v1/images.js';
import { mountPointsBelow } from '../../src/linux/mount.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { readBlob } from '../helpers/content.js';
import { describeTree } from '../helpers/file-tree.js';
import { busyboxLayer, importImage, layerOf, removeImages } from '../helpers/images.js';
import { Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  const { containers } = await daemon().call(ContainersService.list, { filters: [] });
  for (const { id } of containers) await berth('rm', '-f', id);
  await removeImages(daemon());
  await assertCheckClean(daemon());
});

const daemon = useBerthd();
let busybox: Buffer | undefined;

async function berth(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().berth(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function failing(...args: string[]): Promise<string> {
  const { stderr, code } = await daemon().berth(args);
  assert.equal(code, 1, `${args.join(' ')} ended with ${code}`);
  return stderr;
}

async function haveImage(name = 'example/app:1', config: object = {}): Promise<void> {
  busybox ??= busyboxLayer(daemon());
  const layers = [busybox, layerOf(daemon(), { 'etc/base': 'base', 'gone/file': 'x' })];
  const defaults = { Cmd: ['sleep', '1000'], Env: ['A=1', 'PATH=/bin'], ...config };
  await importImage(daemon(), name, (layout) => layout.image(layers, 'amd64', defaults));
}

/** A container that has ended, having run `script`. */
async function ran(id: string, script: string, ...options: string[]): Promise<void> {
  await berth('run', '--name', id, ...options, 'example/app:1', 'sh', '-ec', script);
}

test('metadata is kept over a restart, byte for byte, and goes with the container', async () => {
  await haveImage();
  await ran('box', 'true');
  const bytes = Buffer.from([0, 255, 10, 13, 0]);
  writeFileSync(daemon().path('value'), bytes);
  await berth('metadata', 'set', 'box', 'owner', 'team a');
  await berth('metadata', 'set', 'box', 'raw', '--file', daemon().path('value'));
  await berth('metadata', 'set', 'box', 'owner', 'team b');
  await daemon().restart('SIGKILL');
  assert.deepEqual((await daemon().berth(['metadata', 'get', 'box', 'raw'])).stdoutBytes, bytes);
  assert.equal(await berth('metadata', 'get', 'box', 'owner'), 'team b');
  const entries = JSON.parse(await berth('-o', 'json', 'metadata', 'ls', 'box')) as { name: string; size: number }[];
  assert.deepEqual(
    entries.map(({ name, size }) => [name, size]),
    [
      ['owner', 6],
      ['raw', 5],
    ],
  );
  await berth('metadata', 'rm', 'box', 'owner');
  assert.match(await failing('metadata', 'get', 'box', 'owner'), /metadata "owner" of container box: not found/);
  await berth('rm', 'box');
  await ran('box', 'true');
  assert.deepEqual(JSON.parse(await berth('-o', 'json', 'metadata', 'ls', 'box')), []);
});

test("a container's directories are root's alone, kept over a restart, and go with it", async () => {
  await haveImage();
  await ran('box', 'true');
  const directories = async () => await daemon().call(StorageService.directories, { containerId: 'box' });
  const { workDirectory: work, runDirectory: run } = await directories();
  assert.ok(work.startsWith(`${daemon().root}/`) && run.startsWith(`${daemon().state}/`));
  for (const path of [work, run]) {
    assert.equal(statSync(path).mode & 0o777, 0o700);
    mkdirSync(join(path, 'deep/er'), { recursive: true });
  }
  await daemon().restart('SIGKILL');
  assert.ok(existsSync(join(work, 'deep/er')) && existsSync(join(run, 'deep/er')));
  assert.deepEqual(await directories(), { workDirectory: work, runDirectory: run });
  await berth('rm', 'box');
  assert.ok(!existsSync(work) && !existsSync(run));
  await assert.rejects(directories(), /container box.*not found/);
});

test('a stopped container is mounted and counted, over a restart too, and cannot be removed meanwhile', async () => {
  await haveImage();
  await ran('box', 'echo mine > /etc/own; rm -r /gone');
  const path = (await berth('mount', 'box')).trim();
  assert.equal(readFileSync(join(path, 'etc/own'), 'utf8'), 'mine\n');
  assert.equal(readFileSync(join(path, 'etc/base'), 'utf8'), 'base');
  assert.ok(!existsSync(join(path, 'gone')));
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
  writeFileSync(join(path, 'from-the-host'), 'x');
  assert.equal((await berth('mount', 'box')).trim(), path);
  await daemon().restart('SIGKILL');
  assert.equal(readFileSync(join(path, 'from-the-host'), 'utf8'), 'x');
  const listed = JSON.parse(await berth('-o', 'json', 'mount')) as { id: string; count: number }[];
  assert.deepEqual(
    listed.map(({ id, count }) => [id, count]),
    [['box', 2]],
  );
  assert.match(await failing('rm', 'box'), /mounted on the host: unmount it first/);
  assert.equal(await berth('unmount', 'box'), 'box 1\n');
  const held = openSync(join(path, 'etc/own'), 'r');
  assert.match(await failing('unmount', 'box'), /is in use at/);
  closeSync(held);
  assert.equal(await berth('unmount', 'box'), 'box 0\n');
  assert.ok(!existsSync(path));
  assert.match(await failing('unmount', 'box'), /container box is not mounted/);
  assert.equal(await berth('unmount', '-f', 'box'), 'box 0\n');
  await berth('rm', 'box');
});

test('a running container and the host see one file system, whichever came first', async () => {
  await haveImage();
  await berth('run', '-d', '--name', 'box', 'example/app:1');
  const path = (await berth('mount', 'box')).trim();
  await berth('exec', 'box', 'sh', '-c', 'echo inside > /one');
  assert.equal(readFileSync(join(path, 'one'), 'utf8'), 'inside\n');
  writeFileSync(join(path, 'two'), 'outside\n');
  assert.equal(await berth('exec', 'box', 'cat', '/two'), 'outside\n');
  // Not force: the container goes on with a mount of its own.
  await berth('unmount', 'box');
  assert.equal(await berth('exec', 'box', 'cat', '/two'), 'outside\n');
  await berth('mount', 'box');
  await berth('stop', '-t', '0', 'box');
  await daemon().ctr(['task', 'delete', 'box']);
  const started = await daemon().ctr(['task', 'start', '-d', 'box']);
  assert.equal(started.code, 0, started.stderr);
  writeFileSync(join(path, 'three'), 'after the restart\n');
  assert.equal(await berth('exec', 'box', 'cat', '/three'), 'after the restart\n');
  await berth('rm', '-f', 'box');
  assert.deepEqual(mountPointsBelow(daemon().state), []);
});

test('a label goes with a mount that is made, and only where the kernel knows labels', async () => {
  await haveImage();
  await ran('box', 'true');
  await daemon().ctr(['task', 'delete', 'box']);
  const label = 'system_u:object_r:container_file_t:s0:c1,c2';
  assert.match(await failing('mount', '--label', label, 'box'), /cannot be mounted: mount.*[Ii]nvalid argument|EINVAL/);
  assert.deepEqual(mountPointsBelow(daemon().state), []);
  assert.match(await failing('mount', '--label', 'a"b', 'box'), /is not USER:ROLE:TYPE/);
  await berth('mount', 'box');
  assert.match(await failing('mount', '--label', label, 'box'), /is mounted without that label/);
  await berth('unmount', 'box');
});

test('a directory that is a root filesystem can be mounted and exported as well', async () => {
  await berth('run', '--rootfs', daemon().rootfs, 'plain', 'sh', '-c', 'echo x > /tmp/x');
  const path = (await berth('mount', 'plain')).trim();
  assert.ok(existsSync(join(path, 'bin/busybox')));
  const { stdoutBytes } = await daemon().berth(['export', 'plain']);
  assert.match(execFileSync('tar', ['-t'], { input: stdoutBytes, encoding: 'utf8' }), /^bin\/busybox$/m);
  assert.match(await failing('commit', 'plain', 'x'), /was not made from an image/);
  await berth('unmount', 'plain');
});

/** Everything that a tar carries. */
const oddFiles = `
mkdir -p /odd/dir; cd /odd; echo a > a; ln a b; ln -s /etc/passwd link; mkfifo fifo; chmod 4711 a; chown 7:8 dir
mknod null c 1 3; touch -d '2020-01-02 03:04:05' dir; rm -r /gone`;

test('an export is the whole tree, stopped or running, and holds no file of the host', async () => {
  await haveImage();
  await ran('box', oddFiles, '--privileged');
  const unpacked = daemon().path('unpacked');
  mkdirSync(unpacked);
  const file = daemon().path('box.tar');
  const path = (await berth('mount', 'box')).trim();
  const server = createServer().listen(join(path, 'odd/socket'));
  await once(server, 'listening');
  await berth('export', '-f', file, 'box');
  execFileSync('tar', ['-xpf', file, '-C', unpacked, '--numeric-owner', '--xattrs', '--xattrs-include=*']);
  const [ours, exported] = [describeTree(path), describeTree(unpacked)].map((tree) => {
    // The tar has whole seconds, and no socket.
    const lines = [...tree].map(([name, line]) => [name, line.replace(/time=\S+/, '')] as const);
    return Object.fromEntries(lines.filter(([name]) => name !== 'odd/socket'));
  });
  assert.ok(existsSync(join(path, 'odd/socket')));
  server.close();
  assert.deepEqual(exported, ours);
  assert.ok(Object.keys(exported ?? {}).length > 100);
  await berth('unmount', 'box');
  await berth('run', '-d', '--name', 'live', 'example/app:1', 'sh', '-c', 'echo 1 > /live; sleep 1000');
  await berth('exec', 'live', 'sh', '-c', 'while ! test -s /live; do sleep 0.01; done');
  const { stdoutBytes } = await daemon().berth(['export', 'live']);
  const names = execFileSync('tar', ['-t'], { input: stdoutBytes, encoding: 'utf8' }).split('\n');
  assert.ok(names.includes('live') && names.includes('etc/base'));
  // The container's own mounts are not the tree's.
  assert.ok(!names.some((name) => /^proc\/./.test(name)));
});

test('an export that is given up ends its work', async () => {
  await haveImage();
  await ran('box', 'head -c 50000000 /dev/zero > /big');
  const stream = daemon().stream(StorageService.export, { containerId: 'box' });
  const begun = () => stream.received.length > 0 || undefined;
  await poll(begun, { limitMs: 20_000, intervalMs: 5, what: 'the first piece' });
  stream.cancel();
  await stream.ended;
  const isIdle = () => mountPointsBelow(join(daemon().root, 'mounts')).length === 0 || undefined;
  await poll(isIdle, { limitMs: 20_000, intervalMs: 20, what: 'the work to end' });
});

test('a commit is an image with one layer more, that the real ctr runs, exports and commits again', async () => {
  await haveImage('example/app:1', { Labels: { kept: 'yes' } });
  await ran('box', 'echo mine > /etc/own; rm -r /gone; ln /etc/own /etc/same');
  const changes = ['CMD ["cat", "/etc/own"]', 'ENV B="two words"', 'WORKDIR /etc', 'LABEL made=by-test', 'EXPOSE 80'];
  const flags = [...changes.flatMap((line) => ['-c', line]), '-a', 'A. Person', '-m', 'first'];
  const [name, digest = ''] = (await berth('commit', ...flags, 'box', 'mine:1')).trim().split(' ');
  assert.equal(name, 'docker.io/library/mine:1');
  const manifest = JSON.parse((await readBlob(daemon(), digest)).toString());
  const config = JSON.parse((await readBlob(daemon(), manifest.config.digest)).toString());
  assert.equal(manifest.layers.length, 3);
  assert.equal(config.rootfs.diff_ids.length, 3);
  assert.deepEqual(config.config, {
    Cmd: ['cat', '/etc/own'],
    Env: ['A=1', 'PATH=/bin', 'B=two words'],
    WorkingDir: '/etc',
    Labels: { kept: 'yes', made: 'by-test' },
    ExposedPorts: { '80/tcp': {} },
  });
  assert.deepEqual([config.author, config.history.at(-1).comment], ['A. Person', 'first']);
  // No lease is left, and the container is gone: the image alone keeps what was made.
  await berth('rm', 'box');
  await daemon().call(ImagesService.delete, { name: 'example/app:1', sync: true, target: undefined });
  assert.equal(await berth('run', '--rm', 'mine:1'), 'mine\n');
  const { stdout, stderr } = await daemon().ctr([
    'run',
    '--rm',
    name ?? '',
    'c',
    'sh',
    '-c',
    'cat same; ls /; echo $B',
  ]);
  assert.match(stdout, /^mine\n/, stderr);
  assert.doesNotMatch(stdout, /^gone$/m);
  assert.match(stdout, /two words\n$/);
  const archive = daemon().path('mine.tar');
  assert.equal((await daemon().ctr(['image', 'export', archive, name ?? ''])).code, 0);
  await berth('run', '--name', 'again', 'mine:1', 'sh', '-c', 'echo more >> /etc/own');
  await berth('commit', 'again', 'mine:1');
  assert.equal(await berth('run', '--rm', 'mine:1'), 'mine\nmore\n');
});

test('a running container is paused while its files are read, and goes on', async () => {
  await haveImage();
  await berth('run', '-d', '--name', 'box', 'example/app:1', 'sh', '-c', 'echo 1 > /one; sleep 1000');
  await berth('exec', 'box', 'sh', '-c', 'while ! test -s /one; do sleep 0.01; done');
  await berth('commit', 'box', 'paused:1');
  const topics = (await berth('-o', 'json', 'events', '--after', '0', '--no-follow'))
    .split('\n')
    .filter((line) => line.includes('/tasks/paused') || line.includes('/tasks/resumed'));
  assert.equal(topics.length, 2);
  assert.match(await berth('ps'), /box.*running/);
  await berth('commit', '--no-pause', 'box', 'unpaused:1');
  assert.equal(await berth('run', '--rm', 'paused:1', 'cat', '/one'), '1\n');
  assert.equal(await berth('run', '--rm', 'unpaused:1', 'cat', '/one'), '1\n');
});

test('the same commit out of a native snapshot, and one of a container that ctr made', async () => {
  await haveImage();
  await ran('copied', 'echo n > /native; rm -r /gone', '--snapshotter', 'native');
  await berth('commit', 'copied', 'native:1');
  assert.equal(await berth('run', '--rm', 'native:1', 'sh', '-c', 'cat /native; test ! -e /gone'), 'n\n');
  const { code, stderr } = await daemon().ctr(['run', 'example/app:1', 'theirs', 'sh', '-c', 'echo c > /ctr']);
  assert.equal(code, 0, stderr);
  await berth('commit', 'theirs', 'theirs:1');
  assert.equal(await berth('run', '--rm', 'theirs:1', 'cat', '/ctr'), 'c\n');
});

test('what cannot be committed is refused, and nothing is kept of it', async () => {
  await haveImage();
  await ran('box', 'true');
  assert.match(await failing('commit', '-c', 'RUN ls', 'box', 'x'), /change "RUN ls"/);
  assert.match(await failing('commit', 'ghost', 'x'), /container ghost.*not found/);
  const before = (await new Snapshots(daemon).keys()).length;
  await daemon().call(ImagesService.delete, { name: 'example/app:1', sync: true, target: undefined });
  assert.match(await failing('commit', 'box', 'x'), /its image example\/app:1 is gone/);
  assert.ok((await new Snapshots(daemon).keys()).length <= before);
  assert.deepEqual((await daemon().call(ImagesService.list, { filters: [] })).images, []);
});
