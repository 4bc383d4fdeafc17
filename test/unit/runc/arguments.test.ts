import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createArguments,
  deleteArguments,
  execArguments,
  globalArguments,
  killArguments,
  startArguments,
} from '../../../src/runc/arguments.js';

test('every call names root and log, and the systemd driver where it is asked for', () => {
  assert.deepEqual(globalArguments({ root: '/r', systemdCgroup: false }, 'l'), [
    ...['--root', '/r', '--log', 'l', '--log-format', 'json'],
  ]);
  assert.equal(globalArguments({ root: '/r', systemdCgroup: true }, 'l').at(-1), '--systemd-cgroup');
});

test('create', () => {
  const base = { bundle: '/b', pidFile: 'init.pid', noPivotRoot: false, noNewKeyring: false };
  assert.deepEqual(createArguments('c', base), ['create', '--bundle', '/b', '--pid-file', 'init.pid', 'c']);
  assert.deepEqual(createArguments('c', { ...base, consoleSocket: 's', noPivotRoot: true, noNewKeyring: true }), [
    ...['create', '--bundle', '/b', '--pid-file', 'init.pid', '--console-socket', 's'],
    ...['--no-pivot', '--no-new-keyring', 'c'],
  ]);
});

test('start, exec, kill and delete', () => {
  assert.deepEqual(startArguments('c'), ['start', 'c']);
  assert.deepEqual(execArguments('c', { processFile: 'p.json', pidFile: 'p.pid' }), [
    ...['exec', '--process', 'p.json', '--pid-file', 'p.pid', '--detach', 'c'],
  ]);
  assert.deepEqual(killArguments('c', 15, false), ['kill', 'c', '15']);
  assert.deepEqual(killArguments('c', 9, true), ['kill', '--all', 'c', '9']);
  assert.deepEqual(deleteArguments('c', false), ['delete', 'c']);
  assert.deepEqual(deleteArguments('c', true), ['delete', '--force', 'c']);
});
