// What a code cache is refused for, since V8 would take it: see src/base/code-cache.ts.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Script } from 'node:vm';
import { readCodeCache, writeCodeCache } from '../../../src/base/code-cache.js';

const directory = mkdtempSync(join(tmpdir(), 'berth-code-cache-test-'));
after(() => rmSync(directory, { recursive: true }));

const source = Buffer.from('(function () { return "this one" })');
const code = new Script(source.toString()).createCachedData();

function written(): string {
  const path = join(directory, 'program.cache');
  writeCodeCache(path, source, code);
  return path;
}

test('a code cache is read as it was written', () => {
  assert.deepEqual(readCodeCache(written(), source), code);
});

test('a code cache of other source of the same length is refused', () => {
  const other = Buffer.from(source.toString().replace('this', 'that'));
  assert.equal(readCodeCache(written(), other), undefined);
});

test('a code cache with any byte changed is refused', () => {
  const path = written();
  const whole = readFileSync(path);
  for (let offset = 0; offset < whole.length; offset += 7) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(whole.readUInt8(offset) ^ 0x55, offset);
    writeFileSync(path, damaged);
    assert.equal(readCodeCache(path, source), undefined, `byte ${offset}`);
  }
});

test('a code cache that was cut short, or is not there, is none', () => {
  const path = written();
  const whole = readFileSync(path);
  for (const length of [0, 4, 5, whole.length - 1]) {
    writeFileSync(path, whole.subarray(0, length));
    assert.equal(readCodeCache(path, source), undefined, `${length} bytes`);
  }
  assert.equal(readCodeCache(join(directory, 'none.cache'), source), undefined);
});
