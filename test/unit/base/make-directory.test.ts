import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeDirectory } from '../../../src/base/make-directory.js';

const scratch = mkdtempSync(join(tmpdir(), 'make-directory-'));
after(() => rmSync(scratch, { recursive: true }));

test('parents are made with the same mode, and the first one made is returned', () => {
  const path = join(scratch, 'a/b/c');
  assert.equal(makeDirectory(path, 0o700), join(scratch, 'a'));
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(makeDirectory(path, 0o700), undefined);
});

test('a path below /proc is refused at once, where the recursive mkdir of Node never returns', () => {
  assert.throws(() => makeDirectory('/proc/nowhere', 0o700), { code: 'ENOENT' });
});

test('a file in the way is an error', () => {
  writeFileSync(join(scratch, 'file'), '');
  assert.throws(() => makeDirectory(join(scratch, 'file'), 0o700), { code: 'EEXIST' });
  assert.throws(() => makeDirectory(join(scratch, 'file/below'), 0o700), { code: /EEXIST|ENOTDIR/ });
});
