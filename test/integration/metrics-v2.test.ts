// What can be shown of cgroup v2 on any host that mounts it, be it beside v1 and without controllers: the kernel's own
// files are read as recorded ones are, and a watched file wakes its watcher.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { Metrics } from '../../src/generated/io/containerd/cgroups/v2/metrics.js';
import { cgroupHierarchiesOf } from '../../src/linux/cgroup-hierarchies.js';
import { parseMountInfo } from '../../src/linux/mount-info.js';
import { encodeV2Metrics } from '../../shim/metrics/v2-metrics.js';

const limits = { limitMs: 20_000, intervalMs: 5 };
const mounts = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
const mountPoint = mounts.find(({ type }) => type === 'cgroup2')?.mountPoint;

/** A group with a process that uses the processor until the test is over. */
async function inGroup(mount: string, work: (directory: string, pid: number) => Promise<void>): Promise<void> {
  const directory = join(mount, `berth-metrics-${process.pid}`);
  mkdirSync(directory);
  const burner = spawn('sh', ['-c', 'read go; while :; do :; done'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = once(burner, 'exit');
  try {
    writeFileSync(join(directory, 'cgroup.procs'), String(burner.pid));
    burner.stdin.end('go\n');
    await work(directory, burner.pid ?? 0);
  } finally {
    burner.kill('SIGKILL');
    await ended;
    await poll(() => isRemoved(directory), { ...limits, what: `removal of ${directory}` });
  }
}

if (mountPoint !== undefined) {
  test('the processor time of a real v2 group grows, and what has no controller there is left out', async () => {
    await inGroup(mountPoint, async (directory, pid) => {
      assert.equal(cgroupHierarchiesOf(pid)?.unified, directory);
      const read = () => Metrics.decode(encodeV2Metrics(directory, []).value);
      const first = read();
      await poll(() => ((read().cpu?.usageUsec ?? 0n) > (first.cpu?.usageUsec ?? 0n) ? true : undefined), {
        ...limits,
        what: 'processor time to be used',
      });
      const controllers = readFileSync(join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ');
      const { memory, memoryEvents, pids } = read();
      assert.equal(memory !== undefined, controllers.includes('memory'));
      assert.equal(memoryEvents !== undefined, controllers.includes('memory'));
      assert.equal(pids?.current, controllers.includes('pids') ? 1n : undefined);
    });
  });

  test('what the kernel changes in a v2 file wakes who watches it', async () => {
    await inGroup(mountPoint, async (directory, pid) => {
      let changes = 0;
      const watcher = watch(join(directory, 'cgroup.events'), { persistent: false }, () => changes++);
      try {
        process.kill(pid, 'SIGKILL');
        await poll(() => (changes > 0 ? true : undefined), { ...limits, what: 'a change of cgroup.events' });
        assert.match(readFileSync(join(directory, 'cgroup.events'), 'utf8'), /^populated 0$/m);
      } finally {
        watcher.close();
      }
    });
  });
}

function isRemoved(directory: string): true | undefined {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    // Busy until its last process is gone for good.
    return undefined;
  }
}
