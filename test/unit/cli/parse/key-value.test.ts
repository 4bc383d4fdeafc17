// Labels and variables as the command line takes them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../../src/cli/cli-error.js';
import {
  mergeEnv,
  parseEnv,
  parseKeyValue,
  parseLabelChanges,
  parseLabels,
} from '../../../../src/cli/parse/key-value.js';

test('a value may hold equal signs and may be empty', () => {
  assert.deepEqual(parseKeyValue('x', 'a=b=c'), { key: 'a', value: 'b=c' });
  assert.deepEqual(parseKeyValue('x', 'a='), { key: 'a', value: '' });
});

for (const text of ['', 'a', '=b']) {
  test(`${JSON.stringify(text)} is no key and value, and the message names it`, () => {
    assert.throws(() => parseKeyValue('thing', text), {
      name: 'UsageError',
      message: /^thing .* is not of the form KEY=VALUE$/,
    });
  });
}

test('a label without a value is true, and the last of a key counts', () => {
  assert.deepEqual(parseLabels(['a', 'b=1', 'b=2']), { a: 'true', b: '2' });
});

test('a label called __proto__ is a label', () => {
  assert.deepEqual(Object.entries(parseLabels(['__proto__=x'])), [['__proto__', 'x']]);
});

test('a label without a key is refused', () => {
  assert.throws(() => parseLabels(['=x']), UsageError);
  assert.throws(() => parseLabels(['']), UsageError);
});

test('label changes set by KEY=VALUE and remove by KEY- and KEY=', () => {
  assert.deepEqual(parseLabelChanges(['a=1', 'b-', 'c=', 'd=x-']), { a: '1', b: '', c: '', d: 'x-' });
});

for (const text of ['a', '-', '']) {
  test(`${JSON.stringify(text)} is no change of a label`, () => {
    assert.throws(() => parseLabelChanges([text]), UsageError);
  });
}

test('a variable without a value is passed on from the environment where it is set there', () => {
  assert.deepEqual(parseEnv(['A=1', 'HOME', 'NOT_SET', 'EMPTY'], { HOME: '/root', EMPTY: '' }), [
    'A=1',
    'HOME=/root',
    'EMPTY=',
  ]);
});

test('a variable without a name is refused', () => {
  assert.throws(() => parseEnv([''], {}), UsageError);
  assert.throws(() => parseEnv(['=x'], {}), UsageError);
});

test('merged variables keep the place of what they replace, and new ones follow', () => {
  assert.deepEqual(mergeEnv(['PATH=/bin', 'A=1', 'B=2'], ['A=3=4', 'C=5']), ['PATH=/bin', 'A=3=4', 'B=2', 'C=5']);
});
