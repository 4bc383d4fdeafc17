// `make install`: launchers that find their library wherever the tree is moved, with nothing that only developers need.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { projectRoot } from '../helpers/daemon.js';
import { runProgram, startProgram } from '../helpers/program.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

const programs = ['berthd', 'berth', 'containerd-shim-berth-v2'];

async function install(prefix: string, destination = ''): Promise<void> {
  const { stderr, code } = await runProgram(join(projectRoot, 'scripts/install.sh'), [prefix, destination]);
  assert.equal(code, 0, stderr);
}

test('an installed tree runs, after it was moved, and through symbolic links', async () => {
  await install(daemon().path('prefix'));
  const moved = daemon().path('a moved place');
  await rename(daemon().path('prefix'), moved);
  const { version } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8'));
  const links = daemon().path('links');
  await mkdir(links);
  await symlink(join(moved, 'bin/berthd'), join(links, 'berthd'));
  const linked = await runProgram(join(links, 'berthd'), ['--version']);
  assert.deepEqual([linked.stdout.trim(), linked.code], [version, 0], linked.stderr);
  const directory = daemon().path('installed');
  const args = ['--root', join(directory, 'root'), '--state', join(directory, 'state')];
  const installed = startProgram(join(links, 'berthd'), args);
  const address = join(directory, 'state/berth.sock');
  await poll(() => existsSync(address) || undefined, { limitMs: 10_000, intervalMs: 20, what: address });
  const berth = ['--address', address, '--namespace', daemon().namespace];
  const run = ['run', '--rm', '--rootfs', daemon().rootfs, 'installed', '/bin/sh', '-c', 'echo installed; exit 5'];
  const { stdout, stderr, code } = await runProgram(join(moved, 'bin/berth'), [...berth, ...run]);
  installed.signal('SIGTERM');
  assert.equal((await installed.result()).code, 0);
  assert.deepEqual([stdout, code], ['installed\n', 5], stderr);
});

test('a staged installation has everything below DESTDIR, and production packages only', async () => {
  const stage = daemon().path('stage');
  await install('/usr/local', stage);
  for (const program of programs) assert.ok(existsSync(join(stage, 'usr/local/bin', program)), program);
  const library = join(stage, 'usr/local/lib/berth');
  for (const path of [
    'dist/bin/berthd/program.cache',
    'dist/bin/zygote/main.js',
    'proto/containerd',
    'node_modules/level',
  ]) {
    assert.ok(existsSync(join(library, path)), path);
  }
  for (const path of [
    'dist/src',
    'dist/shim',
    'dist/test',
    'node_modules/esbuild',
    'node_modules/typescript',
    'node_modules/oxlint',
    'test',
  ]) {
    assert.ok(!existsSync(join(library, path)), path);
  }
});

test('an installation over an older one leaves nothing of that', async () => {
  const prefix = daemon().path('again');
  await mkdir(join(prefix, 'lib/berth/dist/src/old'), { recursive: true });
  await install(prefix);
  assert.ok(!existsSync(join(prefix, 'lib/berth/dist/src/old')));
  assert.ok(!existsSync(join(prefix, 'lib/berth.new')));
});

test('make uninstall takes all of it away, and nothing that is not ours', async () => {
  const prefix = daemon().path('taken-away');
  await install(prefix);
  await writeFile(join(prefix, 'bin/other'), '');
  await mkdir(join(prefix, 'lib/other'));
  await rm(join(prefix, 'bin/berth'));
  await writeFile(join(prefix, 'bin/berth'), 'a program of that name');
  const { stderr, code } = await runProgram(join(projectRoot, 'scripts/uninstall.sh'), [prefix]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual((await readdir(join(prefix, 'bin'))).sort(), ['berth', 'other']);
  assert.deepEqual(await readdir(join(prefix, 'lib')), ['other']);
});

test('the package as npm packs it runs once npm has installed it', async () => {
  const packed = daemon().path('packed');
  await mkdir(packed);
  const pack = await runProgram('npm', ['pack', '--silent', '--pack-destination', packed], { cwd: projectRoot });
  assert.equal(pack.code, 0, pack.stderr);
  const archive = join(packed, pack.stdout.trim());
  const { stdout } = await runProgram('tar', ['-tf', archive]);
  const files = stdout.split('\n');
  for (const path of ['dist/bin/berthd/program.js', 'dist/bin/zygote/main.js', 'shim/containerd-shim-berth-v2']) {
    assert.ok(files.includes(`package/${path}`), path);
  }
  // With the packages that are here already, as npm would fetch them.
  await runProgram('tar', ['-C', packed, '-xf', archive]);
  await symlink(join(projectRoot, 'node_modules'), join(packed, 'package/node_modules'));
  const { bin } = JSON.parse(await readFile(join(packed, 'package/package.json'), 'utf8'));
  for (const name of ['berthd', 'berth']) {
    const { stdout: version, stderr } = await runProgram(join(packed, 'package', bin[name]), ['--version']);
    assert.match(version, /^\d+\.\d+\.\d+\n$/, stderr);
  }
});
