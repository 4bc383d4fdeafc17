import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseContainerState } from '../../../src/runc/container-state.js';

test('what a runtime says is read, with what is missing told as missing', () => {
  const said = '{"ociVersion":"1.0.2","id":"c","pid":12,"status":"running","created":"2026-11-25T20:00:00.5Z"}';
  assert.deepEqual(parseContainerState(said), { status: 'running', pid: 12, created: '2026-11-25T20:00:00.5Z' });
  assert.deepEqual(parseContainerState('{"status":"stopped"}'), { status: 'stopped', pid: 0, created: '' });
  assert.equal(parseContainerState('{"pid":12}'), 'a state without a status');
  assert.equal(parseContainerState('state of c'), 'no JSON');
});
