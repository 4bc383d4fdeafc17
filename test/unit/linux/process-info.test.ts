import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProcessCgroups, parseProcessStat, readProcessStat } from '../../../src/linux/process-info.js';

test('a command named with spaces and parentheses does not confuse the parser', () => {
  const text = `42 (a b) (c)) S 7 ${Array.from({ length: 17 }, (_, i) => i).join(' ')} 987654 1 2 3`;
  assert.deepEqual(parseProcessStat(text), {
    pid: 42,
    state: 'S',
    parentPid: 7,
    session: 1,
    startTime: 987654n,
    waitStatus: 0,
  });
});

test('garbage is no process', () => {
  assert.equal(parseProcessStat(''), undefined);
  assert.equal(parseProcessStat('42 (sh) S 1'), undefined);
});

test('this process has a parent and a start time that does not change', () => {
  const first = readProcessStat(process.pid);
  assert.equal(first?.parentPid, process.ppid);
  assert.equal(readProcessStat(process.pid)?.startTime, first?.startTime);
});

test('cgroup lines of v1, named and v2 hierarchies, with colons in the path', () => {
  assert.deepEqual(parseProcessCgroups('9:name=systemd:/\n2:cpu,cpuacct:/a:b\n0::/c\n'), [
    { controllers: ['name=systemd'], path: '/' },
    { controllers: ['cpu', 'cpuacct'], path: '/a:b' },
    { controllers: [], path: '/c' },
  ]);
});
