import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePax } from '../../../../src/images/diff/unpack/pax-records.js';
import { nanosFromPaxTime } from '../../../../src/images/diff/unpack/pax-time.js';
import { isBerthError } from '../../../../src/domain/errors.js';

const isInvalid = (error: unknown) => isBerthError(error, 'invalid-argument');

function decode(text: string): Record<string, string> {
  return { ...decodePax(Buffer.from(text, 'latin1')) };
}

test('records are bytes: newlines, equals signs and zeros in a value are part of it', () => {
  assert.deepEqual(decode('12 path=a=b\n'), { path: 'a=b' });
  assert.deepEqual(decode('29 SCHILY.xattr.user.x=\0\n=\xff\x80\n'), { 'SCHILY.xattr.user.x': '\0\n=\xff\x80' });
  assert.deepEqual(decode('9 path=a\n9 size=1\n'), { path: 'a', size: '1' });
  assert.deepEqual(decode('8 path=\n'), { path: '' });
});

test('the last of several records of one key wins, and no key is special to JavaScript', () => {
  assert.deepEqual(decode('9 path=a\n9 path=b\n'), { path: 'b' });
  const records = decodePax(Buffer.from('15 __proto__=1\n'));
  assert.equal(Object.getOwnPropertyDescriptor(records, '__proto__')?.value, '1');
  assert.equal(({} as Record<string, unknown>)['1'], undefined);
});

test('what is no list of records is refused', () => {
  for (const text of [
    'path=a\n',
    '9 path=ab',
    '99 path=a\n',
    '5 a=\nb',
    '-9 path=a\n',
    '0 a=b\n',
    '6 =abc\n',
    '7 pathb\n',
  ]) {
    assert.throws(() => decode(text), isInvalid, JSON.stringify(text));
  }
  assert.throws(() => decode(`${'9'.repeat(30)} path=a\n`), isInvalid);
});

test('times keep nanoseconds and lose what lies beyond', () => {
  assert.equal(nanosFromPaxTime('1700000000.123456789'), 1_700_000_000_123_456_789n);
  assert.equal(nanosFromPaxTime('1.5'), 1_500_000_000n);
  assert.equal(nanosFromPaxTime('1.'), 1_000_000_000n);
  assert.equal(nanosFromPaxTime('0.0000000019'), 1n);
  assert.equal(nanosFromPaxTime('-1.25'), -1_250_000_000n);
  for (const text of ['', 'x', '1e9', '0x10', '1.2.3', '9'.repeat(30), ' 1']) {
    assert.throws(() => nanosFromPaxTime(text), isInvalid, text);
  }
});
