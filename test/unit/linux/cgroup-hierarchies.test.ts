import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pickHierarchies } from '../../../src/linux/cgroup-hierarchies.js';
import { parseMountInfo } from '../../../src/linux/mount-info.js';
import { parseProcessCgroups } from '../../../src/linux/process-info.js';

const hybrid = parseMountInfo(
  [
    '30 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    '31 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '32 25 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    '33 25 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  ].join('\n'),
);

test('each controller has its directory, also where several share a hierarchy', () => {
  const theirs = parseProcessCgroups('4:memory:/b/c\n3:cpu,cpuacct:/b/c\n1:name=systemd:/b/c\n0::/b/c\n');
  const ours = parseProcessCgroups('4:memory:/\n3:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n');
  const { controllers, unified } = pickHierarchies(theirs, ours, hybrid);
  assert.deepEqual(Object.fromEntries(controllers), {
    memory: '/sys/fs/cgroup/memory/b/c',
    cpu: '/sys/fs/cgroup/cpu,cpuacct/b/c',
    cpuacct: '/sys/fs/cgroup/cpu,cpuacct/b/c',
    'name=systemd': '/sys/fs/cgroup/systemd/b/c',
  });
  assert.equal(unified, '/sys/fs/cgroup/unified/b/c');
});

test('a group that the reader is in too, or every process of the host, is left out', () => {
  const theirs = parseProcessCgroups('4:memory:/user\n3:cpu,cpuacct:/\n0::/b/c\n');
  const ours = parseProcessCgroups('4:memory:/user\n3:cpu,cpuacct:/other\n0::/b/c\n');
  const { controllers, unified } = pickHierarchies(theirs, ours, hybrid);
  assert.deepEqual([controllers.size, unified], [0, undefined]);
});

test('a host with cgroup v2 alone has the unified directory and no controllers', () => {
  const mounts = parseMountInfo('30 25 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate');
  const found = pickHierarchies(parseProcessCgroups('0::/b/c\n'), parseProcessCgroups('0::/berth\n'), mounts);
  assert.deepEqual(found, { controllers: new Map(), unified: '/sys/fs/cgroup/b/c' });
});
