import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { poll } from '../../../src/base/deadline.js';
import { cgroupMode, cgroupPids, killCgroup, pickContainerCgroup } from '../../../src/linux/cgroup.js';
import { parseMountInfo } from '../../../src/linux/mount-info.js';

const mounts = parseMountInfo(
  [
    '37 31 0:34 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer',
    '38 31 0:35 /docker/x /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  ].join('\n'),
);

test('the freezer hierarchy is preferred, and one that holds us too is never taken', () => {
  const theirs = [
    { controllers: ['freezer'], path: '/berth/a' },
    { controllers: ['pids'], path: '/docker/x/a' },
    { controllers: [], path: '/b' },
  ];
  const pick = (ours: string[]): string | undefined =>
    pickContainerCgroup(
      theirs,
      theirs.map((member, i) => ({ ...member, path: ours[i] ?? '' })),
      mounts,
    )?.directory;
  assert.equal(pick(['/', '/', '/']), '/sys/fs/cgroup/freezer/berth/a');
  assert.equal(pick(['/berth/a', '/', '/']), '/sys/fs/cgroup/pids/a');
  assert.equal(pick(['/berth/a', '/docker/x/a', '/']), '/sys/fs/cgroup/unified/b');
  assert.equal(pick(['/berth/a', '/docker/x/a', '/b']), undefined);
});

test('killing a cgroup ends what is in it and in those below it, forking or not', async () => {
  const base = cgroupMode() === 'v2' ? '/sys/fs/cgroup' : '/sys/fs/cgroup/freezer';
  const directory = `${base}/berth-test-${process.pid}`;
  mkdirSync(directory);
  mkdirSync(`${directory}/inner`);
  const children = [directory, `${directory}/inner`].map((at) => {
    const child = spawn('sh', ['-c', 'read go; while :; do sleep 0.01 & done'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    writeFileSync(`${at}/cgroup.procs`, String(child.pid));
    child.stdin.end('go\n');
    return child;
  });
  const cgroup = { version: cgroupMode() === 'v2' ? 2 : 1, directory } as const;
  try {
    await poll(() => (cgroupPids(cgroup).length > 4 ? true : undefined), {
      limitMs: 10_000,
      intervalMs: 2,
      what: 'forks',
    });
    const exits = children.map((child) => once(child, 'exit'));
    assert.ok(await killCgroup(cgroup));
    await Promise.all(exits);
    assert.deepEqual(cgroupPids(cgroup), []);
  } finally {
    await killCgroup(cgroup);
    for (const at of [`${directory}/inner`, directory]) {
      await poll(
        () => {
          try {
            rmdirSync(at);
            return true;
          } catch {
            return undefined;
          }
        },
        { limitMs: 5000, intervalMs: 10, what: `removal of ${at}` },
      );
    }
  }
  assert.deepEqual(cgroupPids(cgroup), []);
});
