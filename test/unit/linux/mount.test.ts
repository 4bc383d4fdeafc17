import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { mountOn, mountPointsBelow, unmountBelow } from '../../../src/linux/mount.js';
import { mountFlags, parseMountOptions } from '../../../src/linux/mount-options.js';
import { parseMountInfo } from '../../../src/linux/mount-info.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth mount-'));
  for (const name of ['lower', 'upper', 'work', 'root']) mkdirSync(join(directory, name));
  writeFileSync(join(directory, 'lower', 'file'), 'lower');
});

afterEach(() => {
  unmountBelow(directory);
  rmSync(directory, { recursive: true });
});

test('options become flags, the rest is the file system’s data, and the last of two contraries wins', () => {
  const options = ['rbind', 'ro', 'nosuid', 'suid', 'lowerdir=/a:/b', 'size=1m'];
  assert.deepEqual(parseMountOptions(options), {
    flags: mountFlags.MS_BIND | mountFlags.MS_REC | mountFlags.MS_RDONLY,
    propagation: 0,
    data: 'lowerdir=/a:/b,size=1m',
  });
  assert.equal(parseMountOptions(['rslave']).propagation, mountFlags.MS_SLAVE | mountFlags.MS_REC);
  assert.equal(parseMountOptions(['constructor']).data, 'constructor');
});

test('mountinfo with spaces in the path is unescaped', () => {
  const text = '36 35 98:0 /mnt1 /a\\040b rw,noatime shared:1 - ext3 /dev/root rw,errors=continue\n';
  assert.deepEqual(parseMountInfo(text), [
    { root: '/mnt1', mountPoint: '/a b', type: 'ext3', superOptions: ['rw', 'errors=continue'] },
  ]);
});

test('a read-only bind can be read but not written', () => {
  const root = join(directory, 'root');
  mountOn({ type: 'bind', source: join(directory, 'lower'), target: '', options: ['rbind', 'ro'] }, root);
  assert.equal(readFileSync(join(root, 'file'), 'utf8'), 'lower');
  assert.throws(() => writeFileSync(join(root, 'file'), 'x'), { code: 'EROFS' });
});

test('an overlay takes writes in its upper directory, and nested mounts all go', () => {
  const root = join(directory, 'root');
  // Paths without spaces: overlayfs takes them as they are, but commas and colons would need escapes.
  const at = (name: string): string => join(directory, name);
  const options = [`lowerdir=${at('lower')}`, `upperdir=${at('upper')}`, `workdir=${at('work')}`];
  mountOn({ type: 'overlay', source: 'overlay', target: '', options }, root);
  writeFileSync(join(root, 'file'), 'upper');
  assert.equal(readFileSync(join(directory, 'upper', 'file'), 'utf8'), 'upper');
  mkdirSync(join(root, 'inner'));
  mountOn({ type: 'tmpfs', source: 'tmpfs', target: 'inner', options: ['size=64k', 'nosuid'] }, root);
  assert.deepEqual(mountPointsBelow(root), [join(root, 'inner'), root]);
  unmountBelow(root);
  assert.deepEqual(mountPointsBelow(root), []);
  assert.ok(!existsSync(join(root, 'file')));
});

test('a failed mount names the type, the source and the target', () => {
  assert.throws(
    () => mountOn({ type: 'nosuchfs', source: 'src', target: '', options: [] }, join(directory, 'root')),
    (error: NodeJS.ErrnoException) => error.code === 'ENODEV' && error.message.includes('nosuchfs src on '),
  );
});

for (const target of ['../upper', '..', '../../..', 'link', 'link/inner', 'nowhere']) {
  test(`a mount does not leave its root by the target ${target}`, () => {
    const root = join(directory, 'root');
    mkdirSync(join(directory, 'upper', 'inner'));
    symlinkSync('../upper', join(root, 'link'));
    const mount = { type: 'tmpfs', source: 'tmpfs', target, options: ['size=64k'] };
    assert.throws(() => mountOn(mount, root), /mount: (target outside of the root|no such target)/);
    assert.deepEqual(mountPointsBelow(directory), []);
  });
}
