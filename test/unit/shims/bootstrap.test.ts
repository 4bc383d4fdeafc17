// What the `start` of a shim may print.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/domain/errors.js';
import { parseBootstrap, socketPath } from '../../../src/shims/foreign/bootstrap.js';

const address = 'unix:///run/containerd/s/0123';

test('a bare address means version 2', () => {
  assert.deepEqual(parseBootstrap(`${address}\n`), { address, version: 2 });
});

test('JSON names version and protocol', () => {
  assert.deepEqual(parseBootstrap(JSON.stringify({ version: 3, address, protocol: 'ttrpc' })), { address, version: 3 });
  assert.deepEqual(parseBootstrap(JSON.stringify({ version: 2, address, protocol: '' })), { address, version: 2 });
});

test('a protocol or a version that Berth does not speak is told as such', () => {
  for (const other of [
    { version: 3, protocol: 'grpc' },
    { version: 4, protocol: 'ttrpc' },
  ]) {
    assert.throws(
      () => parseBootstrap(JSON.stringify({ address, ...other })),
      (error) => isBerthError(error, 'unimplemented'),
    );
  }
});

test('what is no address of a unix socket is quoted', () => {
  for (const output of ['', 'panic: no', `${address}\nand more`, 'unix://relative', '{"version":1}', 'null', '[]']) {
    assert.throws(() => parseBootstrap(output), /no address of a unix socket/, output);
  }
});

test('the path of the socket is what follows the scheme', () => {
  assert.equal(socketPath({ address, version: 2 }), '/run/containerd/s/0123');
});
