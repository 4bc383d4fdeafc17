import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { checkId, isValidId, maxIdLength } from '../../../src/domain/ids.js';

for (const good of ['a', 'A1', 'web-1', 'a.b_c-d', '0', 'x'.repeat(maxIdLength)]) {
  test(`the id ${good.slice(0, 10)} (${good.length} characters) is accepted`, () =>
    assert.equal(isValidId(good), true));
}

const bad = ['', '.', '..', '../x', 'a/b', 'a..b', '-a', 'a-', 'a b', 'a\n', 'ä', 'a\0', 'x'.repeat(maxIdLength + 1)];
for (const id of bad) {
  test(`the id ${JSON.stringify(id.slice(0, 10))} (${id.length} characters) is an invalid argument`, () => {
    assert.throws(
      () => checkId('container id', id),
      (error) => isBerthError(error, 'invalid-argument') && error.message.startsWith('container id'),
    );
  });
}
