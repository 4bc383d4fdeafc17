// What `ctr run` is told about input that cannot work, and that nothing of it stays.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

async function run(id: string, ...command: string[]) {
  return await daemon().ctr(['run', '--rm', '--rootfs', daemon().rootfs, id, ...command]);
}

test('a command that does not exist fails with the words of runc', async () => {
  const { stderr, code } = await run('nocommand', '/bin/no-such-program');
  assert.notEqual(code, 0);
  assert.match(stderr, /runc create failed/);
  assert.match(stderr, /exec: "\/bin\/no-such-program": stat \/bin\/no-such-program: no such file or directory/);
});

test('a container that failed to start can be run again under the same id', async () => {
  await run('again', '/bin/no-such-program');
  const { stdout, code } = await run('again', '/bin/echo', 'fine');
  assert.deepEqual({ stdout, code }, { stdout: 'fine\n', code: 0 });
});

test('a root filesystem that does not exist is named in the failure', async () => {
  const missing = daemon().path('no-rootfs');
  const { stderr, code } = await daemon().ctr(['run', '--rm', '--rootfs', missing, 'norootfs', '/bin/true']);
  assert.notEqual(code, 0);
  assert.match(stderr, /no-rootfs/);
  await daemon().ctr(['containers', 'rm', 'norootfs']);
});

test('an empty root filesystem is no root filesystem for the command', async () => {
  const empty = daemon().path('empty');
  await mkdir(empty);
  const { stderr, code } = await daemon().ctr(['run', '--rm', '--rootfs', empty, 'emptyrootfs', '/bin/true']);
  assert.notEqual(code, 0);
  assert.match(stderr, /\/bin\/true.*no such file or directory/);
});

for (const [what, id] of [
  ['a slash', 'a/b'],
  ['two dots', '..'],
  ['a path upwards', '../../etc'],
  ['a leading dash', '-x'],
  ['a space', 'a b'],
  ['77 characters', 'x'.repeat(77)],
] as const) {
  test(`an id with ${what} is an invalid argument`, async () => {
    const { stderr, code } = await daemon().ctr(['run', '--rm', '--rootfs', daemon().rootfs, '--', id, '/bin/true']);
    assert.equal(code, 1);
    assert.match(stderr, /invalid argument/);
  });
}

test('an id of 76 characters works', async () => {
  assert.equal((await run('x'.repeat(76), '/bin/true')).code, 0);
});

test('the id of a container that exists is refused, and that container runs on', async () => {
  const args = ['run', '--rm', '--rootfs', daemon().rootfs, 'twice', '/bin/sh', '-c', 'echo up; cat'];
  const first = daemon().startCtr(args, { keepStdin: true });
  await first.waitForOutput(/up/);
  const second = await run('twice', '/bin/true');
  assert.equal(second.code, 1);
  assert.match(second.stderr, /twice.*already exists/);
  first.write('still here\n');
  await first.waitForOutput(/still here/);
  first.closeStdin();
  assert.equal((await first.result()).code, 0);
});

test('a spec that runc rejects fails with its words', async () => {
  const config = daemon().path('bad-spec.json');
  const spec = {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/true'], cwd: 'not-absolute' },
    root: { path: daemon().rootfs },
    linux: { namespaces: [{ type: 'mount' }] },
  };
  await writeFile(config, JSON.stringify(spec));
  const { stderr, code } = await daemon().ctr(['run', '--rm', '--config', config, 'badspec']);
  assert.notEqual(code, 0);
  assert.match(stderr, /Cwd must be an absolute path/i);
});

test('a runtime that does not exist is refused', async () => {
  const args = [
    'run',
    '--rm',
    '--runtime',
    'io.containerd.nosuch.v1',
    '--rootfs',
    daemon().rootfs,
    'noruntime',
    '/bin/true',
  ];
  const { stderr, code } = await daemon().ctr(args);
  assert.notEqual(code, 0);
  assert.match(stderr, /nosuch/);
});

test('a runc binary that does not exist is refused', async () => {
  const args = ['run', '--rm', '--runc-binary', '/no/such/runc', '--rootfs', daemon().rootfs, 'norunc', '/bin/true'];
  const { stderr, code } = await daemon().ctr(args);
  assert.notEqual(code, 0);
  assert.match(stderr, /\/no\/such\/runc/);
});
