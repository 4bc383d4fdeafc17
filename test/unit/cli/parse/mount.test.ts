// --mount in ctr's syntax and in podman's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMount } from '../../../../src/cli/parse/mount.js';

test('a mount in the syntax of ctr', () => {
  assert.deepEqual(parseMount('type=bind,src=/a,dst=/b,options=rbind:ro', '/work'), {
    type: 'bind',
    source: '/a',
    destination: '/b',
    options: ['rbind', 'ro'],
  });
});

test('a mount in the syntax of podman', () => {
  assert.deepEqual(parseMount('type=bind,source=a,target=/b,readonly=true', '/work'), {
    type: 'bind',
    source: '/work/a',
    destination: '/b',
    options: ['rbind', 'ro'],
  });
});

test('a mount is a bind where it has no type, and the runtime is told so', () => {
  assert.deepEqual(parseMount('src=/a,dst=/b', '/work').options, ['rbind']);
  assert.deepEqual(parseMount('src=/a,dst=/b,options=bind', '/work').options, ['bind']);
  assert.deepEqual(parseMount('src=/a,dst=/b,rw', '/work').options, ['rbind', 'rw']);
});

test('a tmpfs needs no source', () => {
  assert.deepEqual(parseMount('type=tmpfs,dst=/tmp,options=size=64m:mode=1777', '/work'), {
    type: 'tmpfs',
    source: 'tmpfs',
    destination: '/tmp',
    options: ['size=64m', 'mode=1777'],
  });
});

for (const [text, why] of [
  ['', /does not know/],
  ['type=bind', /has no dst/],
  ['dst=/b', /has no src/],
  ['src=/a,dst=b', /needs an absolute dst/],
  ['src=/a,dst=/b,what=1', /does not know what=1/],
  ['src=/a,dst=/b,frob', /does not know frob/],
  ['src=/a,dst=/b,constructor=1', /does not know constructor=1/],
  ['src=/a,dst=/b,source=/c', /has two values for its source/],
  ['src=,dst=/b', /does not know src=/],
  ['src=/a,dst=/b,ro=maybe', /does not know ro=maybe/],
] as const) {
  test(`the mount ${JSON.stringify(text)} is refused: ${why.source}`, () => {
    assert.throws(() => parseMount(text, '/work'), { name: 'UsageError', message: why });
  });
}
