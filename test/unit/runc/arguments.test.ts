import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkpointArguments,
  createArguments,
  deleteArguments,
  execArguments,
  globalArguments,
  killArguments,
  restoreArguments,
  startArguments,
  updateArguments,
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

const dump = { imagePath: '/i', workPath: '/w', leaveRunning: false, openTcp: false, externalUnixSockets: false };
const plain = {
  terminal: false,
  fileLocks: false,
  emptyNamespaces: [],
  cgroupsMode: '',
  preDump: false,
  parentPath: '',
};

test('checkpoint says no more than it is asked to', () => {
  assert.deepEqual(checkpointArguments('c', { ...dump, ...plain }), [
    ...['checkpoint', '--image-path', '/i', '--work-path', '/w', 'c'],
  ]);
  const all = { leaveRunning: true, openTcp: true, externalUnixSockets: true, terminal: true, fileLocks: true };
  const rest = { emptyNamespaces: ['network'], cgroupsMode: 'soft', preDump: true, parentPath: '../p' };
  assert.deepEqual(checkpointArguments('c', { ...dump, ...all, ...rest }), [
    ...['checkpoint', '--image-path', '/i', '--work-path', '/w', '--leave-running', '--tcp-established'],
    ...['--ext-unix-sk', '--shell-job', '--file-locks', '--empty-ns', 'network', '--manage-cgroups-mode', 'soft'],
    ...['--pre-dump', '--parent-path', '../p', 'c'],
  ]);
});

test('restore allows all that a checkpoint may hold', () => {
  const options = { bundle: '/b', imagePath: '/i', workPath: '/w', pidFile: 'p', noPivotRoot: true, terminal: true };
  const facts = { emptyNamespaces: ['network'], cgroupsMode: '', consoleSocket: 's' };
  assert.deepEqual(restoreArguments('c', { ...options, ...facts }), [
    ...['restore', '--detach', '--no-subreaper', '--bundle', '/b', '--image-path', '/i', '--work-path', '/w'],
    ...['--pid-file', 'p', '--tcp-established', '--ext-unix-sk', '--file-locks', '--shell-job'],
    ...['--empty-ns', 'network', '--console-socket', 's', '--no-pivot', 'c'],
  ]);
});

test('update', () => {
  assert.deepEqual(updateArguments('c', 'r.json'), ['update', '--resources', 'r.json', 'c']);
});
