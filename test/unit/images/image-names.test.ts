import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NameReference, namesByReferences } from '../../../src/images/archive/image-names.js';

const digest = `sha256:${'a'.repeat(64)}`;

function named(names: readonly string[], ...references: readonly Partial<NameReference>[]): string[] {
  const whole = references.map((reference) => ({
    name: 'base',
    isPrefix: true,
    allowOverwrite: false,
    addDigest: false,
    skipNamedDigest: false,
    ...reference,
  }));
  return namesByReferences(whole)(digest, names);
}

test('a tag gets the prefix', () => {
  assert.deepEqual(named(['v1'], {}), ['base:v1']);
  assert.deepEqual(named(['v1'], { name: 'a' }, { name: 'b' }), ['a:v1', 'b:v1']);
});

test('a name in full counts where it begins with the prefix, or may replace it', () => {
  assert.deepEqual(named(['base:v1', 'base/sub:v1', 'basement:v1', 'other:v1'], {}), ['base:v1', 'base/sub:v1']);
  assert.deepEqual(named(['other:v1'], { allowOverwrite: true }), ['other:v1']);
});

test('a digest is added where it is asked for, and not to a name where that is to be', () => {
  assert.deepEqual(named(['other:v1'], { addDigest: true }), [`base@${digest}`]);
  assert.deepEqual(named(['v1'], { addDigest: true }), ['base:v1', `base@${digest}`]);
  assert.deepEqual(named(['v1'], { addDigest: true, skipNamedDigest: true }), ['base:v1']);
  assert.deepEqual(named([], { addDigest: true, skipNamedDigest: true }), [`base@${digest}`]);
});

test('without a prefix there is no name', () => {
  assert.deepEqual(named(['v1', 'other:v1'], { isPrefix: false }), []);
  assert.deepEqual(named(['v1']), []);
});
