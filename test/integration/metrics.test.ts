// The metrics of running containers, through real `ctr task metrics` and the API, held against the cgroup files.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { Status } from '../../src/generated/containerd/v1/types/task.js';
import { Metrics as V1Metrics } from '../../src/generated/io/containerd/cgroups/v1/metrics.js';
import { Metrics as V2Metrics } from '../../src/generated/io/containerd/cgroups/v2/metrics.js';
import { cgroupMode } from '../../src/linux/cgroup.js';
import { createContainer, createTask, removeContainer, runContainer, waitForExit } from '../helpers/containers.js';
import { isContainerd } from '../helpers/daemon.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();
const isV2 = cgroupMode() === 'v2';
const limits = { limitMs: 20_000, intervalMs: 20 };

const memoryLimitBytes = 64 * 1024 * 1024;
const burner = ['/bin/sh', '-c', 'while :; do :; done'];
const sleeper = ['/bin/sleep', '600'];

/** A processor burner that may use a fifth of one, and so much memory. */
async function runLimited(id: string): Promise<void> {
  const memory = ['--memory-limit', String(memoryLimitBytes)];
  const args = ['run', '-d', ...memory, '--cpus', '0.2', '--rootfs', daemon().rootfs, id, ...burner];
  const { code, stderr } = await daemon().ctr(args);
  assert.equal(code, 0, stderr);
}

async function metricsOf(...filters: string[]) {
  return (await daemon().call(TasksService.metrics, { filters })).metrics;
}

async function idsOf(...filters: string[]): Promise<string[]> {
  return (await metricsOf(...filters)).map(({ id }) => id).sort();
}

/** What both versions tell, in the same words. */
async function figuresOf(id: string) {
  const [metric] = await metricsOf(`id==${id}`);
  const { typeUrl, value } = metric?.data ?? assert.fail(`no metrics of ${id}`);
  if (isV2) {
    assert.equal(typeUrl, 'io.containerd.cgroups.v2.Metrics');
    const { cpu, memory, pids } = V2Metrics.decode(value);
    return {
      cpuNanos: (cpu?.usageUsec ?? 0n) * 1000n,
      throttled: cpu?.nrThrottled,
      memory: memory?.usage,
      memoryLimit: memory?.usageLimit,
      pids: pids?.current,
    };
  }
  assert.equal(typeUrl, 'io.containerd.cgroups.v1.Metrics');
  const { cpu, memory, pids } = V1Metrics.decode(value);
  return {
    cpuNanos: cpu?.usage?.total ?? 0n,
    throttled: cpu?.throttling?.throttledPeriods,
    memory: memory?.usage?.usage,
    memoryLimit: memory?.usage?.limit,
    pids: pids?.current,
  };
}

/** A file of the container's cgroup, by its name in v1 or v2. */
function cgroupFile(id: string, v1: string, v2: string): string {
  const [controller = ''] = v1.split('.');
  const directory = isV2 ? '/sys/fs/cgroup' : join('/sys/fs/cgroup', controller);
  return readFileSync(join(directory, daemon().namespace, id, isV2 ? v2 : v1), 'utf8').trim();
}

test('ctr prints its table', async () => {
  await runLimited('table');
  const { stdout, code } = await daemon().ctr(['task', 'metrics', 'table']);
  assert.equal(code, 0);
  assert.match(stdout, /^ID +TIMESTAMP/m);
  assert.match(stdout, /^table +seconds:\d+|^table +\d{4}-/m);
  const figure = (name: string) => Number(new RegExp(`^${name.replaceAll('.', '\\.')} +(\\S+)`, 'm').exec(stdout)?.[1]);
  const names = isV2
    ? { usage: 'memory.usage', limit: 'memory.usage_limit', cpu: 'cpu.usage_usec' }
    : { usage: 'memory.usage_in_bytes', limit: 'memory.limit_in_bytes', cpu: 'cpuacct.usage' };
  assert.equal(figure(names.limit), memoryLimitBytes);
  assert.ok(figure(names.usage) > 0 && figure(names.usage) <= memoryLimitBytes, stdout);
  assert.ok(figure(names.cpu) > 0, stdout);
  assert.equal(figure('pids.current'), 1);
  await removeContainer(daemon(), 'table');
});

test('ctr prints JSON with every section that the host has', async () => {
  await runLimited('json');
  const { stdout, code } = await daemon().ctr(['task', 'metrics', '--format', 'json', 'json']);
  assert.equal(code, 0);
  const metrics = JSON.parse(stdout);
  assert.equal(metrics.pids.current, 1);
  if (isV2) {
    assert.equal(metrics.memory.usage_limit, memoryLimitBytes);
    assert.ok(metrics.cpu.usage_usec > 0);
  } else {
    assert.equal(metrics.memory.usage.limit, memoryLimitBytes);
    assert.ok(metrics.memory.usage.max >= metrics.memory.usage.usage);
    assert.ok(metrics.memory.total_rss > 0);
    assert.equal(metrics.memory_oom_control.oom_kill ?? 0, 0);
    assert.ok(metrics.cpu.usage.total > 0);
    assert.ok(metrics.cpu.usage.per_cpu.length > 0);
    assert.notEqual(metrics.blkio, undefined);
  }
  await removeContainer(daemon(), 'json');
});

test('the figures are those of the cgroup files, and grow as the container works', async () => {
  await runLimited('works');
  const first = await figuresOf('works');
  assert.equal(first.memoryLimit, BigInt(cgroupFile('works', 'memory.limit_in_bytes', 'memory.max')));
  assert.equal(first.pids, BigInt(cgroupFile('works', 'pids.current', 'pids.current')));
  const later = await poll(
    async () => {
      const now = await figuresOf('works');
      return now.cpuNanos > first.cpuNanos && (now.throttled ?? 0n) > 0n ? now : undefined;
    },
    { ...limits, what: 'a fifth of a processor to be used up' },
  );
  const usage = isV2 ? undefined : BigInt(cgroupFile('works', 'cpuacct.usage', 'cpu.stat'));
  assert.ok(usage === undefined || usage >= later.cpuNanos);
  await removeContainer(daemon(), 'works');
});

test('filters choose; none at all chooses every task of the namespace', async () => {
  for (const id of ['a', 'b', 'c']) await runContainer(daemon(), id, sleeper);
  assert.deepEqual(await idsOf(), ['a', 'b', 'c']);
  assert.deepEqual(await idsOf('id==b'), ['b']);
  assert.deepEqual(await idsOf('id==a', 'id==c'), ['a', 'c']);
  assert.deepEqual(await idsOf('id~=^[bc]$'), ['b', 'c']);
  assert.deepEqual(await idsOf(`namespace==${daemon().namespace}`), ['a', 'b', 'c']);
  assert.deepEqual(await idsOf('namespace==elsewhere'), []);
  assert.deepEqual(await idsOf('id==nobody'), []);
  const elsewhere = await daemon().call(TasksService.metrics, { filters: [] }, { namespace: 'elsewhere' });
  assert.deepEqual(elsewhere.metrics, []);
  if (!isContainerd) await assert.rejects(metricsOf('id=='), { code: 3 });
  for (const id of ['a', 'b', 'c']) await removeContainer(daemon(), id);
});

test('a metric carries the time at which it was taken', async () => {
  await runContainer(daemon(), 'timed', sleeper);
  const before = BigInt(Date.now()) * 1_000_000n;
  const [metric] = await metricsOf('id==timed');
  const at = (metric?.timestamp?.seconds ?? 0n) * 1_000_000_000n + BigInt(metric?.timestamp?.nanos ?? 0);
  // Date.now() has lost its fraction of a millisecond.
  assert.ok(at >= before && at <= BigInt(Date.now() + 1) * 1_000_000n);
  await removeContainer(daemon(), 'timed');
});

test('a created, a paused and a stopped task have metrics; a deleted one has none', async () => {
  await createContainer(daemon(), 'states', sleeper);
  await createTask(daemon(), 'states');
  assert.deepEqual(await idsOf('id==states'), ['states']);
  await daemon().call(TasksService.start, { containerId: 'states', execId: '' });
  await daemon().call(TasksService.pause, { containerId: 'states' });
  assert.deepEqual(await idsOf('id==states'), ['states']);
  await daemon().call(TasksService.kill, { containerId: 'states', execId: '', signal: 9, all: false });
  await waitForExit(daemon(), 'states');
  assert.deepEqual(await idsOf('id==states'), ['states']);
  await daemon().call(TasksService.delete, { containerId: 'states' });
  assert.deepEqual(await idsOf('id==states'), []);
  const { code, stderr } = await daemon().ctr(['task', 'metrics', 'states']);
  assert.equal(code, 1);
  assert.match(stderr, /not found/);
  await removeContainer(daemon(), 'states');
});

test('a shim that hangs is left out, and delays no other', { skip: isContainerd }, async () => {
  const ids = Array.from({ length: 6 }, (_, index) => `shim-${index}`);
  for (const id of ids) await runContainer(daemon(), id, sleeper);
  const hung = 'shim-2';
  const bundle = join(daemon().state, 'tasks', daemon().namespace, hung);
  const shimPid = Number(readFileSync(join(bundle, 'shim.pid'), 'utf8'));
  process.kill(shimPid, 'SIGSTOP');
  try {
    assert.deepEqual(
      await idsOf(),
      ids.filter((id) => id !== hung),
    );
  } finally {
    process.kill(shimPid, 'SIGCONT');
  }
  assert.match(daemon().log, new RegExp(`a task has no metrics.*${hung}|${hung}.*a task has no metrics`));
  // It answers again, in time to be trusted again.
  await poll(async () => ((await idsOf()).length === ids.length ? true : undefined), {
    ...limits,
    what: 'all metrics',
  });
  const { process: task } = await daemon().call(TasksService.get, { containerId: hung, execId: '' });
  assert.equal(task?.status, Status.RUNNING);
  assert.ok(existsSync(`/proc/${shimPid}`));
  for (const id of ids) await removeContainer(daemon(), id);
});
