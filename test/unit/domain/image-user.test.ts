import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { resolveUser } from '../../../src/domain/image-user.js';

const files = {
  passwd: 'root:x:0:0::/root:/bin/sh\n\nbroken line\nweb:x:33:34::/srv:/bin/false\n1000:x:7:7::/:/bin/sh\n',
  group: 'root:x:0:\nweb:x:34:\nlogs:x:40:other,web\nssl:x:41:web\nbad:x:-1:web\n',
};

function ids(text: string, from = files): readonly (number | readonly number[])[] {
  const { uid, gid, additionalGids } = resolveUser(text, from);
  return [uid, gid, additionalGids];
}

test('names and numbers are looked up as Docker looks them up', () => {
  assert.deepEqual(ids(''), [0, 0, [0]]);
  assert.deepEqual(ids('root'), [0, 0, [0]]);
  assert.deepEqual(ids('web'), [33, 34, [34, 40, 41]]);
  assert.deepEqual(ids('33'), [33, 34, [34, 40, 41]]);
  assert.deepEqual(ids('web:logs'), [33, 40, [40]]);
  assert.deepEqual(ids('web:5'), [33, 5, [5]]);
  assert.deepEqual(ids('99'), [99, 0, [0]]);
  assert.deepEqual(ids('99:98'), [99, 98, [98]]);
  // A user may be called by a number.
  assert.deepEqual(ids('1000'), [7, 7, [7]]);
  assert.deepEqual(ids(':logs'), [0, 40, [40]]);
});

test('an image without the files has numbers only', () => {
  const none = { passwd: '', group: '' };
  assert.deepEqual(ids('', none), [0, 0, [0]]);
  assert.deepEqual(ids('5:6', none), [5, 6, [6]]);
  for (const text of ['web', '5:web', 'web:x:y', '4294967295', '-1']) {
    assert.throws(
      () => resolveUser(text, none),
      (error) => isBerthError(error, 'invalid-argument'),
      text,
    );
  }
});
