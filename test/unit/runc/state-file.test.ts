import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRunc, stateFrom } from '../../../src/runc/state-file.js';

const config = { cgroups: { systemd: false }, Hooks: { poststop: null, prestart: null } };
const paths = { '': '/sys/fs/cgroup/unified/c', pids: '/sys/fs/cgroup/pids/c' };
const plain = { id: 'c', init_process_pid: 7, rootless: false, cgroup_paths: paths, intel_rdt_path: '', config };

function read(fields: object) {
  return stateFrom({ ...plain, ...fields }, 'c', '/r/c');
}

test('a plain container’s state is known', () => {
  const state = { directory: '/r/c', initPid: 7, cgroupPaths: Object.values(paths), isPlain: true };
  assert.deepEqual(read({}), state);
  assert.deepEqual(read({ config: { ...config, Hooks: null } }), state);
  assert.deepEqual(read({ config: { ...config, Hooks: { poststop: [], prestart: [{ path: '/x' }] } } }), state);
});

test('hooks, systemd, cache allocation and rootless containers are not plain', () => {
  const others = [
    { config: { ...config, Hooks: { poststop: [{ path: '/x' }] } } },
    { config: { cgroups: config.cgroups } },
    { config: { ...config, Hooks: { poststop: 'x' } } },
    { config: { ...config, cgroups: { systemd: true } } },
    { config: { ...config, cgroups: undefined } },
    { config: { ...config, intelRdt: {} } },
    { intel_rdt_path: '/sys/fs/resctrl/c' },
    { rootless: true },
    { rootless: undefined },
  ];
  for (const other of others) assert.equal(read(other)?.isPlain, false, JSON.stringify(other));
});

test('what is not of the expected form is no state at all', () => {
  const others = [
    { id: 'd' },
    { init_process_pid: 0 },
    { init_process_pid: '7' },
    { cgroup_paths: undefined },
    { cgroup_paths: { pids: 'relative' } },
    { cgroup_paths: { pids: 3 } },
    { config: undefined },
    { config: [] },
  ];
  for (const other of others) assert.equal(read(other), undefined, JSON.stringify(other));
  for (const other of [null, [], 'x', 3]) assert.equal(stateFrom(other, 'c', '/r/c'), undefined);
});

test('only a binary named runc is taken for runc', () => {
  assert.ok(isRunc('runc') && isRunc('/usr/sbin/runc'));
  assert.ok(!isRunc('crun') && !isRunc('/usr/bin/nvidia-container-runtime') && !isRunc('/opt/runc/youki'));
});
