import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { mountOn, unmountBelow } from '../../../src/linux/mount.js';
import { compactLowerDirectories, lowerDirectories } from '../../../src/linux/overlay-options.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-overlay-'));
});

afterEach(() => {
  unmountBelow(directory);
  rmSync(directory, { recursive: true });
});

test('lower directories are named from their common parent', () => {
  assert.deepEqual(
    compactLowerDirectories(['index=off', 'lowerdir=/v/s/12/fs:/v/s/1/fs:/v/s/13/fs', 'upperdir=/v/u']),
    {
      directory: '/v/s',
      options: ['index=off', 'lowerdir=12/fs:1/fs:13/fs', 'upperdir=/v/u'],
    },
  );
  assert.equal(compactLowerDirectories(['lowerdir=/a/b:/c/d']), undefined);
  assert.equal(compactLowerDirectories(['lowerdir=a:b']), undefined);
  assert.deepEqual(lowerDirectories(['upperdir=/u']), []);
});

test('an overlay of more layers than a page of options can name is mounted', () => {
  const names = Array.from({ length: 300 }, (_, index) => String(index + 1));
  for (const name of names) {
    mkdirSync(join(directory, 'layers', name, 'fs'), { recursive: true });
    writeFileSync(join(directory, 'layers', name, 'fs', name), '');
  }
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(directory, name));
  const lowers = names.map((name) => join(directory, 'layers', name, 'fs')).join(':');
  const options = [`workdir=${directory}/work`, `upperdir=${directory}/upper`, `lowerdir=${lowers}`];
  const before = process.cwd();
  mountOn({ type: 'overlay', source: 'overlay', target: '', options }, join(directory, 'root'));
  assert.equal(readdirSync(join(directory, 'root')).length, 300);
  assert.equal(process.cwd(), before);
  assert.deepEqual(readdirSync('.'), readdirSync(before));
});

test('options that stay too long are refused', () => {
  const options = [`lowerdir=${directory}`, `size=${'1'.repeat(5000)}`];
  assert.throws(() => mountOn({ type: 'tmpfs', source: 'tmpfs', target: '', options }, directory), { code: 'EINVAL' });
});
