import assert from 'node:assert/strict';
import { test } from 'node:test';
import { specForRestore } from '../../../src/domain/restored-spec.js';

function renamed(spec: object): unknown {
  return JSON.parse(Buffer.from(specForRestore(Buffer.from(JSON.stringify(spec)), 'old', 'new')).toString());
}

test('a cgroup that ends in the old id ends in the new one, and everything else stays', () => {
  const spec = { process: { args: ['old'] }, linux: { cgroupsPath: '/ns/old', namespaces: [] } };
  assert.deepEqual(renamed(spec), { ...spec, linux: { cgroupsPath: '/ns/new', namespaces: [] } });
  assert.deepEqual(renamed({ linux: { cgroupsPath: 'system.slice:berth:old' } }), {
    linux: { cgroupsPath: 'system.slice:berth:new' },
  });
});

test('a cgroup without the id in it gets the new one, so that the two are apart', () => {
  assert.deepEqual(renamed({ linux: { cgroupsPath: '/mine' } }), { linux: { cgroupsPath: '/mine-new' } });
});

test('a spec without a cgroup stays as it is: the runtime names it by the id', () => {
  const spec = Buffer.from('{"linux":{}}');
  assert.equal(specForRestore(spec, 'old', 'new'), spec);
});
