// Which shim a runtime's name means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shimChoice } from '../../../src/domain/runtime-name.js';
import { isBerthError } from '../../../src/domain/errors.js';

test('the names that clients send unasked mean the shim of Berth', () => {
  for (const name of ['', 'io.containerd.runc.v2', 'io.containerd.berth.v2']) {
    assert.deepEqual(shimChoice(name, {}), { kind: 'own' });
  }
});

test('any other name means a binary on PATH, by the last two of its parts', () => {
  assert.deepEqual(shimChoice('io.containerd.runc.v1', {}), { kind: 'name', binary: 'containerd-shim-runc-v1' });
  assert.deepEqual(shimChoice('io.containerd.kata.v2', {}), { kind: 'name', binary: 'containerd-shim-kata-v2' });
  assert.deepEqual(shimChoice('aws.firecracker', {}), { kind: 'name', binary: 'containerd-shim-aws-firecracker' });
});

test('an absolute path is the shim itself', () => {
  assert.deepEqual(shimChoice('/opt/shim', {}), { kind: 'path', path: '/opt/shim' });
});

test('the configuration gives names another meaning, and leaves the others theirs', () => {
  const names = { 'io.containerd.runc.v2': '/usr/bin/containerd-shim-runc-v2', 'io.containerd.kata.v2': 'berth' };
  assert.deepEqual(shimChoice('io.containerd.runc.v2', names), {
    kind: 'path',
    path: '/usr/bin/containerd-shim-runc-v2',
  });
  assert.deepEqual(shimChoice('io.containerd.kata.v2', names), { kind: 'own' });
  assert.deepEqual(shimChoice('io.containerd.berth.v2', names), { kind: 'own' });
  assert.throws(() => shimChoice('toString', names), /invalid runtime name/);
});

test('a name that can mean no shim is refused', () => {
  for (const name of ['runc', '.v2', 'io..v2', 'io.containerd.', 'bin/shim', '../shim.v2', '.io.v2']) {
    assert.throws(
      () => shimChoice(name, {}),
      (error) => isBerthError(error, 'invalid-argument'),
      name,
    );
  }
});
