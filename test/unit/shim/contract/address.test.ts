// Where a shim under containerd listens, and how it says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketPath, startAnswer } from '../../../../shim/contract/address.js';

const place = { address: '/run/containerd/containerd.sock', namespace: 'default', id: 'web' };
/** sun_path of Linux, with its closing zero. */
const maxPathBytes = 108;

test('a socket path is short whatever the ids, and differs by daemon, namespace and id', () => {
  const long = { address: `/${'a'.repeat(200)}`, namespace: 'n'.repeat(76), id: 'i'.repeat(76) };
  assert.ok(socketPath(long).length < maxPathBytes);
  const others = [
    { ...place, address: '/run/other.sock' },
    { ...place, namespace: 'other' },
    { ...place, id: 'other' },
    { ...place, namespace: 'default-web', id: '' },
  ];
  const paths = [place, ...others].map(socketPath);
  assert.equal(new Set(paths).size, paths.length);
  assert.equal(socketPath({ ...place }), socketPath(place));
});

test('a daemon that says nothing of versions, or knows the second only, gets the bare address', () => {
  for (const version of [undefined, '', '2', 'nonsense']) assert.equal(startAnswer('/s', version), 'unix:///s');
});

test('a daemon that knows the third version gets it as JSON, whatever else it knows', () => {
  const expected = { version: 3, address: 'unix:///s', protocol: 'ttrpc' };
  for (const version of ['3', '4']) assert.deepEqual(JSON.parse(startAnswer('/s', version)), expected);
});
