// `ctr snapshots` and what else of the real ctr works on snapshots.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { unmountBelow } from '../../src/linux/mount.js';
import { ownDirectory, Snapshots } from '../helpers/snapshots.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => {
  await overlay.removeAll();
});

// Nothing is collected unless a test asks for it: nothing keeps the views that ctr makes, here as in containerd.
const daemon = useBerthd({ config: 'gc_delay_ms = 600_000' });
const overlay = new Snapshots(daemon);

async function ctr(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await daemon().ctr(['snapshots', ...args]);
  assert.equal(code, 0, `ctr snapshots ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function failing(...args: string[]): Promise<string> {
  const { stderr, code } = await daemon().ctr(['snapshots', ...args]);
  assert.equal(code, 1, `ctr snapshots ${args.join(' ')}`);
  return stderr;
}

/** A base that ctr made, and an active snapshot on it. */
async function makeTwo(): Promise<void> {
  await ctr('prepare', 'first');
  const own = ownDirectory(await overlay.mounts('first'));
  writeFileSync(join(own, 'file'), 'content');
  mkdirSync(join(own, 'directory'));
  await ctr('commit', 'base', 'first');
  await ctr('prepare', 'second', 'base');
}

test('prepare, commit, view, ls, tree and rm', async () => {
  await makeTwo();
  await ctr('view', 'look', 'base');
  const rows = (await ctr('ls')).split('\n').map((line) => line.trim().split(/\s+/));
  assert.deepEqual(rows.slice(0, -1), [
    ['KEY', 'PARENT', 'KIND'],
    ['base', 'Committed'],
    ['look', 'base', 'View'],
    ['second', 'base', 'Active'],
  ]);
  assert.equal(await ctr('tree'), ' base\n  \\_ look\n  \\_ second\n');
  assert.match(await failing('rm', 'base'), /cannot remove snapshot.*with child/);
  await ctr('rm', 'look', 'second', 'base');
  assert.equal((await ctr('ls')).trim().split('\n').length, 1);
  assert.match(await failing('rm', 'base'), /base.*not found/);
});

test('info, label and usage', async () => {
  await makeTwo();
  const info = JSON.parse(await ctr('info', 'second'));
  assert.deepEqual([info.Kind, info.Name, info.Parent], ['Active', 'second', 'base']);
  await ctr('label', 'second', 'a=1', 'b=2');
  await ctr('label', 'second', 'a=3', 'b=');
  assert.equal(JSON.parse(await ctr('info', 'second')).Labels.a, '3');
  assert.ok(!('b' in JSON.parse(await ctr('info', 'second')).Labels));
  assert.match(await ctr('usage', 'base'), /^KEY +SIZE +INODES *\nbase +12\.0 KiB +3 *\n$/);
});

test('mounts prints what a shell can run', async () => {
  await makeTwo();
  const point = daemon().path('point');
  mkdirSync(point);
  const command = await ctr('mounts', point, 'second');
  assert.match(command, /^mount -t overlay overlay .*-o index=off,workdir=.*,upperdir=.*,lowerdir=/);
  execFileSync('sh', ['-ec', command]);
  assert.deepEqual(readdirSync(point).sort(), ['directory', 'file']);
  unmountBelow(point);
});

test('diff prints a layer, and keeps none', async () => {
  await makeTwo();
  writeFileSync(join(ownDirectory(await overlay.mounts('second')), 'new'), 'x');
  const { stdoutBytes, stderr, code } = await daemon().ctr(['snapshots', 'diff', 'base', 'second']);
  assert.equal(code, 0, stderr);
  assert.equal(execFileSync('tar', ['-tz'], { input: stdoutBytes, encoding: 'utf8' }), 'new\n');
  const whole = await daemon().ctr(['snapshots', 'diff', 'base']);
  assert.equal(execFileSync('tar', ['-tz'], { input: whole.stdoutBytes, encoding: 'utf8' }), 'directory/\nfile\n');
  const collected = await daemon().berth(['gc']);
  assert.equal(collected.code, 0, collected.stderr);
  assert.equal((await daemon().ctr(['content', 'ls', '-q'])).stdout, '');
});

test('plugins ls shows the snapshotters and the differ', async () => {
  const { stdout } = await daemon().ctr(['plugins', 'ls']);
  assert.match(stdout, /^io\.containerd\.snapshotter\.v1 +overlayfs +linux\/amd64 +ok *$/m);
  assert.match(stdout, /^io\.containerd\.snapshotter\.v1 +native +linux\/amd64 +ok *$/m);
  assert.match(stdout, /^io\.containerd\.differ\.v1 +walking +linux\/amd64 +ok *$/m);
});
