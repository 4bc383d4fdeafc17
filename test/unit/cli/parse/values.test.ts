// Sizes, numbers, users and log URIs as the command line takes them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../../src/cli/cli-error.js';
import { parseBytes } from '../../../../src/cli/parse/bytes.js';
import { logUriFromText } from '../../../../src/cli/parse/log-uri.js';
import { parseDecimal, parseInteger } from '../../../../src/cli/parse/number.js';
import { parseUser } from '../../../../src/cli/parse/user.js';

for (const [text, bytes] of [
  ['0', 0],
  ['4096', 4096],
  ['512b', 512],
  ['1k', 1024],
  ['64m', 64 * 1024 ** 2],
  ['64M', 64 * 1024 ** 2],
  ['64MiB', 64 * 1024 ** 2],
  ['64mb', 64 * 1024 ** 2],
  ['1.5g', 1.5 * 1024 ** 3],
  ['2T', 2 * 1024 ** 4],
] as const) {
  test(`${text} is ${bytes} bytes`, () => assert.equal(parseBytes('memory', text), bytes));
}

for (const text of ['', 'm', '-1', '64x', '1e3', '64 m m', '1.', '.5', '99999999t', '0x10']) {
  test(`${JSON.stringify(text)} is no size`, () => {
    assert.throws(() => parseBytes('memory', text), { name: 'UsageError', message: /^memory ".*" is not a size/ });
  });
}

test('a whole number is read, with its least value', () => {
  assert.equal(parseInteger('n', '12'), 12);
  assert.equal(parseInteger('n', '-1', -1), -1);
});

for (const text of ['', '1.5', 'x', '1x', '-1', '99999999999999999999', ' 1']) {
  test(`${JSON.stringify(text)} is no whole number of at least 0`, () => {
    assert.throws(() => parseInteger('n', text), UsageError);
  });
}

test('a decimal number is read', () => {
  assert.equal(parseDecimal('cpus', '1.5'), 1.5);
  assert.equal(parseDecimal('cpus', '2'), 2);
  assert.equal(parseDecimal('cpus', '.5'), 0.5);
});

for (const text of ['', '-1', '1.', 'one', '1e3', 'Infinity', 'NaN', '1,5']) {
  test(`${JSON.stringify(text)} is no decimal number`, () =>
    assert.throws(() => parseDecimal('cpus', text), UsageError));
}

test('a user is a uid with a gid, or with group 0', () => {
  assert.deepEqual(parseUser('1000:2000'), { uid: 1000, gid: 2000 });
  assert.deepEqual(parseUser('1000'), { uid: 1000, gid: 0 });
});

for (const text of ['', 'root', '1:', ':1', '1:2:3', '-1', '4294967295', '0:4294967295']) {
  test(`${JSON.stringify(text)} is no user`, () => assert.throws(() => parseUser(text), UsageError));
}

test('a log uri is a path made absolute, or a URI of a scheme that containerd has', () => {
  assert.equal(logUriFromText('log/x', '/work'), 'file:///work/log/x');
  assert.equal(logUriFromText('/var/log/x', '/work'), 'file:///var/log/x');
  assert.equal(logUriFromText('binary:///usr/bin/logger?id=x', '/work'), 'binary:///usr/bin/logger?id=x');
});

for (const text of ['', 'http://x', 'FTP://x']) {
  test(`${JSON.stringify(text)} is no log uri`, () => assert.throws(() => logUriFromText(text, '/work'), UsageError));
}
