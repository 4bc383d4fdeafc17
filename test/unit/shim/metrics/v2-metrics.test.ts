// The v2 message over a tree that runc 1.1.5 made on Linux 6.1 with cgroup v2 alone: 32 MiB of memory, four fifths of a
// processor, 50 pids, two huge pages. A burner ran in it, 8 MiB were written and 3 read, and one process was OOM-killed.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { Metrics } from '../../../../src/generated/io/containerd/cgroups/v2/metrics.js';
import { parsePressure } from '../../../../shim/metrics/pressure.js';
import { encodeV2Metrics, readV2Metrics } from '../../../../shim/metrics/v2-metrics.js';
import { RecordedCgroup } from '../../../helpers/recorded-cgroup.js';

const unlimited = 2n ** 64n - 1n;

function record(): RecordedCgroup {
  return new RecordedCgroup('v2-linux-6.1');
}

test('processor time is told in microseconds, with throttling and pressure', () => {
  using tree = record();
  assert.deepEqual(readV2Metrics(tree.directory, []).cpu, {
    usageUsec: 37721133n,
    userUsec: 36303046n,
    systemUsec: 1418087n,
    nrPeriods: 460n,
    nrThrottled: 431n,
    throttledUsec: 12608519n,
    nrBursts: 0n,
    burstUsec: 0n,
    psi: {
      some: { avg10: 19.34, avg60: 11.52, avg300: 3.25, total: 10630048n },
      full: { avg10: 19.32, avg60: 11.38, avg300: 3.19, total: 10469948n },
    },
  });
});

test('memory is told with usage, peak, limit, swap, pressure and its statistics', () => {
  using tree = record();
  const { memory } = readV2Metrics(tree.directory, []);
  assert.deepEqual([memory?.usage, memory?.maxUsage, memory?.usageLimit], [405504n, 33554432n, 33554432n]);
  assert.deepEqual([memory?.swapUsage, memory?.swapLimit], [0n, 0n]);
  assert.deepEqual([memory?.anon, memory?.slab, memory?.kernelStack], [114688n, 165880n, 32768n]);
  assert.deepEqual([memory?.pgfault, memory?.pgactivate, memory?.thpFaultAlloc], [9368n, 1867n, 1n]);
  assert.deepEqual([memory?.slabReclaimable, memory?.slabUnreclaimable], [15400n, 150480n]);
  assert.equal(memory?.psi?.full?.total, 31672n);
});

test('figures that newer kernels split are told together', () => {
  using tree = record();
  tree.write('memory.stat', 'workingset_refault_anon 3\nworkingset_refault_file 4\nworkingset_activate_file 5\n');
  const split = readV2Metrics(tree.directory, []).memory;
  assert.deepEqual([split?.workingsetRefault, split?.workingsetActivate], [7n, 5n]);
  tree.write('memory.stat', 'workingset_refault 9\nworkingset_activate 8\n');
  const whole = readV2Metrics(tree.directory, []).memory;
  assert.deepEqual([whole?.workingsetRefault, whole?.workingsetActivate], [9n, 8n]);
});

test('the thresholds that were met, and the processes killed, are counted', () => {
  using tree = record();
  const events = { low: 0n, high: 0n, max: 23n, oom: 1n, oomKill: 1n };
  assert.deepEqual(readV2Metrics(tree.directory, []).memoryEvents, events);
});

test('no limit is told as the largest number', () => {
  using tree = record();
  assert.deepEqual(readV2Metrics(tree.directory, []).pids, { current: 3n, limit: 50n });
  for (const name of ['pids.max', 'memory.max', 'memory.swap.max']) tree.write(name, 'max\n');
  const { pids, memory } = readV2Metrics(tree.directory, []);
  assert.deepEqual([pids?.limit, memory?.usageLimit, memory?.swapLimit], [unlimited, unlimited, unlimited]);
});

test('block devices are told with bytes, operations and pressure', () => {
  using tree = record();
  const io = { major: 254n, minor: 0n, rbytes: 3145728n, wbytes: 8388608n, rios: 27n, wios: 72n };
  const pressure = { avg10: 0, avg60: 0, avg300: 0, total: 7866n };
  assert.deepEqual(readV2Metrics(tree.directory, []).io, { usage: [io], psi: { some: pressure, full: pressure } });
});

test('a device with other figures than bytes and operations, or none, does no harm', () => {
  using tree = record();
  // Linux writes a device without figures when it has been idle since another cgroup used it.
  tree.write('io.stat', '8:16 \n8:0 rbytes=90112 wbytes=0 rios=4 wios=0 dbytes=0 dios=0 cost.usage=5\n');
  const usage = readV2Metrics(tree.directory, []).io?.usage;
  assert.deepEqual(
    usage?.map(({ minor, rbytes }) => [minor, rbytes]),
    [
      [16n, 0n],
      [0n, 90112n],
    ],
  );
});

test('huge pages are told by their sizes', () => {
  using tree = record();
  tree.write('hugetlb.2MB.current', '2097152\n');
  assert.deepEqual(readV2Metrics(tree.directory, []).hugetlb, [
    { current: 0n, max: unlimited, pagesize: '1GB' },
    { current: 2097152n, max: 4194304n, pagesize: '2MB' },
  ]);
});

test('RDMA is told by its devices', () => {
  using tree = record();
  assert.deepEqual(readV2Metrics(tree.directory, []).rdma, { current: [], limit: [] });
  tree.write('rdma.current', 'mlx4_0 hca_handle=2 hca_object=2000\nocrdma1 hca_handle=1 hca_object=0\n');
  const current = readV2Metrics(tree.directory, []).rdma?.current;
  assert.deepEqual(current?.[1], { device: 'ocrdma1', hcaHandles: 1, hcaObjects: 0 });
});

test('a controller that the host does not have leaves its section out', () => {
  const files = {
    memory: ['memory.current', 'memory.stat'],
    memoryEvents: ['memory.events'],
    pids: ['pids.current', 'pids.max'],
    io: ['io.stat', 'io.pressure'],
    rdma: ['rdma.current', 'rdma.max'],
    cpu: ['cpu.stat'],
  } as const;
  for (const [section, names] of Object.entries(files) as [keyof typeof files, readonly string[]][]) {
    using tree = record();
    tree.remove(...names);
    const metrics = readV2Metrics(tree.directory, []);
    for (const name of Object.keys(files) as (keyof typeof files)[]) {
      assert.equal(metrics[name] === undefined, name === section, `${name} without ${section}`);
    }
  }
});

test('a kernel without pressure figures leaves those out', () => {
  using tree = record();
  tree.remove('cpu.pressure', 'memory.pressure', 'io.pressure');
  const { cpu, memory, io } = readV2Metrics(tree.directory, []);
  assert.deepEqual([cpu?.psi, memory?.psi, io?.psi], [undefined, undefined, undefined]);
  assert.equal(io?.usage.length, 1);
});

test('the processor’s pressure has no full line on kernels before 5.13', () => {
  const data = { avg10: 1.5, avg60: 0, avg300: 0, total: 12n };
  assert.deepEqual(parsePressure('some avg10=1.50 avg60=0.00 avg300=0.00 total=12\n'), { some: data, full: undefined });
});

test('a group that is gone has no sections at all', () => {
  const tree = record();
  rmSync(tree.directory, { recursive: true });
  const { hugetlb, network, ...sections } = readV2Metrics(tree.directory, []);
  assert.deepEqual([hugetlb, network], [[], []]);
  for (const [name, section] of Object.entries(sections)) assert.equal(section, undefined, name);
});

test('the message goes over the wire whole, under containerd’s type', () => {
  using tree = record();
  const any = encodeV2Metrics(tree.directory, []);
  assert.equal(any.typeUrl, 'io.containerd.cgroups.v2.Metrics');
  assert.deepEqual(Metrics.decode(any.value), readV2Metrics(tree.directory, []));
});
