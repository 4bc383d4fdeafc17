import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { digestAlgorithms, formatDigest, isDigest, parseDigest } from '../../../src/domain/digest.js';
import { isBerthError } from '../../../src/domain/errors.js';

test('digests of every algorithm are read and written', () => {
  for (const algorithm of digestAlgorithms) {
    const hex = createHash(algorithm).update('x').digest('hex');
    assert.deepEqual(parseDigest(`${algorithm}:${hex}`), { algorithm, hex });
    assert.equal(formatDigest({ algorithm, hex }), `${algorithm}:${hex}`);
  }
});

test('what is no digest is refused before a path is made of it', () => {
  const hex = 'a'.repeat(64);
  const bad = [
    '',
    'sha256',
    'sha256:',
    hex,
    `sha256:${hex}a`,
    `sha256:${hex.slice(1)}`,
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'/'.repeat(64)}`,
    `sha256:${hex}:x`,
    `sha256:${hex}\n`,
    `sha1:${'a'.repeat(40)}`,
    `toString:${hex}`,
    `SHA256:${hex}`,
  ];
  for (const text of bad) {
    assert.equal(isDigest(text), false, text);
    assert.throws(
      () => parseDigest(text),
      (error) => isBerthError(error, 'invalid-argument'),
      text,
    );
  }
});
