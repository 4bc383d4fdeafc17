import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { formatPlatform, hostPlatform, parsePlatform, runsOn } from '../../../src/domain/platform.js';

test('a platform is read as people write it', () => {
  const texts = [
    'linux/amd64',
    'amd64',
    'linux/x86_64',
    'linux/arm64',
    'linux/aarch64/v8',
    'linux/arm',
    'linux/arm/v6',
  ];
  assert.deepEqual(
    texts.map((text) => formatPlatform(parsePlatform(text))),
    ['linux/amd64', 'linux/amd64', 'linux/amd64', 'linux/arm64/v8', 'linux/arm64/v8', 'linux/arm/v7', 'linux/arm/v6'],
  );
  for (const text of ['', 'linux/', '/amd64', 'linux/arm/v7/x', 'linux/a b']) {
    assert.throws(
      () => parsePlatform(text),
      (error) => isBerthError(error, 'invalid-argument'),
      text,
    );
  }
});

test('the host is told by what Node calls its processor', () => {
  assert.equal(formatPlatform(hostPlatform('x64')), 'linux/amd64');
  assert.equal(formatPlatform(hostPlatform('arm64')), 'linux/arm64/v8');
  assert.equal(formatPlatform(hostPlatform('s390x')), 'linux/s390x');
});

test('older variants run on newer ones, and nothing else runs elsewhere', () => {
  const v7 = parsePlatform('linux/arm/v7');
  assert.ok(runsOn({ os: 'linux', architecture: 'arm' }, v7));
  assert.ok(runsOn({ os: 'linux', architecture: 'arm', variant: 'v6' }, v7));
  assert.ok(!runsOn({ os: 'linux', architecture: 'arm', variant: 'v8' }, v7));
  assert.ok(!runsOn({ os: 'linux', architecture: 'arm64' }, v7));
  assert.ok(!runsOn({ os: 'windows', architecture: 'amd64' }, parsePlatform('amd64')));
  assert.ok(!runsOn({ os: 'unknown', architecture: 'unknown' }, parsePlatform('amd64')));
});
