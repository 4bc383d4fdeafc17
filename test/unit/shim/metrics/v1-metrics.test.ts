// The v1 message over a tree that runc 1.1.5 made on Linux 6.18: 32 MiB of memory, a fifth of a processor, 50 pids, and
// a block device with a limit. A processor burner ran in it, 8 MiB were written and read, and one process was OOM-killed.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Metrics } from '../../../../src/generated/io/containerd/cgroups/v1/metrics.js';
import { parseBlockIo, parseDeviceNames } from '../../../../shim/metrics/v1-block-io.js';
import { encodeV1Metrics, readV1Metrics } from '../../../../shim/metrics/v1-metrics.js';
import { RecordedCgroup } from '../../../helpers/recorded-cgroup.js';

const unlimited = 9223372036854771712n;

function record(): RecordedCgroup {
  return new RecordedCgroup('v1-linux-6.18');
}

function controllersOf(tree: RecordedCgroup): Map<string, string> {
  return new Map(readdirSync(tree.directory).map((name) => [name, tree.path(name)]));
}

function metricsOf(tree: RecordedCgroup): Metrics {
  return readV1Metrics(controllersOf(tree), []);
}

test('processor time is told in nanoseconds, with each processor and the throttling', () => {
  using tree = record();
  assert.deepEqual(metricsOf(tree).cpu, {
    usage: { total: 661629652n, kernel: 20_000_000n, user: 620_000_000n, perCpu: [464220774n, 200144273n] },
    throttling: { periods: 32n, throttledPeriods: 31n, throttledTime: 2466466492n },
  });
});

test('every kind of memory is told with usage, peak, limit and failures', () => {
  using tree = record();
  const { memory } = metricsOf(tree);
  assert.deepEqual(memory?.usage, { limit: 33554432n, usage: 409600n, max: 33554432n, failcnt: 117n });
  assert.deepEqual(memory?.swap, { limit: unlimited, usage: 409600n, max: 33816576n, failcnt: 0n });
  assert.deepEqual(memory?.kernel, { limit: unlimited, usage: 282624n, max: 811008n, failcnt: 0n });
  assert.deepEqual(memory?.kernelTcp, { limit: unlimited, usage: 0n, max: 0n, failcnt: 0n });
  assert.deepEqual([memory?.rss, memory?.totalRss, memory?.pgFault], [114688n, 114688n, 9350n]);
  assert.deepEqual([memory?.pgPgIn, memory?.totalPgPgOut, memory?.totalInactiveAnon], [8924n, 8896n, 106496n]);
  assert.deepEqual([memory?.hierarchicalMemoryLimit, memory?.hierarchicalSwapLimit], [33554432n, unlimited]);
});

test('the processes that were killed for want of memory are counted', () => {
  using tree = record();
  assert.deepEqual(metricsOf(tree).memoryOomControl, { oomKillDisable: 0n, underOom: 0n, oomKill: 1n });
});

test('the number of processes is told with its limit, and no limit as 0', () => {
  using tree = record();
  assert.deepEqual(metricsOf(tree).pids, { current: 3n, limit: 50n });
  tree.write('pids/pids.max', 'max\n');
  assert.deepEqual(metricsOf(tree).pids, { current: 3n, limit: 0n });
});

test('a device without a counting scheduler is told by its throttling figures', () => {
  using tree = record();
  const { blkio } = metricsOf(tree);
  const figures = blkio?.ioServiceBytesRecursive.map(({ major, minor, op, value }) => [major, minor, op, value]);
  assert.deepEqual(figures, [
    [254n, 0n, 'Read', 8388608n],
    [254n, 0n, 'Write', 8388608n],
    [254n, 0n, 'Sync', 16777216n],
    [254n, 0n, 'Async', 0n],
    [254n, 0n, 'Discard', 0n],
    [254n, 0n, 'Total', 16777216n],
  ]);
  assert.deepEqual(
    blkio?.ioServicedRecursive.map(({ op, value }) => `${op} ${value}`),
    ['Read 16', 'Write 16', 'Sync 32', 'Async 0', 'Discard 0', 'Total 32'],
  );
});

test('a counting scheduler is told by all of its tables', () => {
  using tree = record();
  const tables = {
    ioServiceBytesRecursive: 'io_service_bytes_recursive',
    ioServicedRecursive: 'io_serviced_recursive',
    ioQueuedRecursive: 'io_queued_recursive',
    ioServiceTimeRecursive: 'io_service_time_recursive',
    ioWaitTimeRecursive: 'io_wait_time_recursive',
    ioMergedRecursive: 'io_merged_recursive',
    ioTimeRecursive: 'time_recursive',
    sectorsRecursive: 'sectors_recursive',
  } as const;
  for (const [index, file] of Object.values(tables).entries()) {
    const text = file.startsWith('io_') ? `8:0 Read ${index + 1}\nTotal ${index + 1}\n` : `8:0 ${index + 1}\n`;
    tree.write(`blkio/blkio.bfq.${file}`, text);
  }
  const { blkio } = metricsOf(tree);
  for (const [index, table] of (Object.keys(tables) as (keyof typeof tables)[]).entries()) {
    assert.deepEqual(
      blkio?.[table].map(({ major, value }) => [major, value]),
      [[8n, BigInt(index + 1)]],
      table,
    );
  }
  assert.deepEqual([blkio?.ioServicedRecursive[0]?.op, blkio?.sectorsRecursive[0]?.op], ['Read', '']);
});

test('block devices have their names from the partition table', () => {
  const devices = parseDeviceNames(
    'major minor  #blocks  name\n\n 254        0  268435456 vda\n   8        1  1 sda1\n',
  );
  assert.equal(parseBlockIo('8:1 Write 7\n', devices)[0]?.device, '/dev/sda1');
  assert.equal(parseBlockIo('254:0 7\n', devices)[0]?.device, '/dev/vda');
  assert.equal(parseBlockIo('9:9 Read 7\nTotal 7\n', devices)[0]?.device, '');
});

test('huge pages are told by their sizes', () => {
  using tree = record();
  tree.write('hugetlb/hugetlb.2MB.usage_in_bytes', '4194304\n');
  tree.write('hugetlb/hugetlb.2MB.max_usage_in_bytes', '6291456\n');
  tree.write('hugetlb/hugetlb.2MB.failcnt', '2\n');
  assert.deepEqual(metricsOf(tree).hugetlb, [
    { usage: 0n, max: 0n, failcnt: 0n, pagesize: '1GB' },
    { usage: 4194304n, max: 6291456n, failcnt: 2n, pagesize: '2MB' },
  ]);
});

test('RDMA is told where the host has it', () => {
  using tree = record();
  assert.equal(metricsOf(tree).rdma, undefined);
  tree.write('rdma/rdma.current', 'mlx4_0 hca_handle=2 hca_object=2000\n');
  tree.write('rdma/rdma.max', 'mlx4_0 hca_handle=3 hca_object=max\n');
  assert.deepEqual(metricsOf(tree).rdma, {
    current: [{ device: 'mlx4_0', hcaHandles: 2, hcaObjects: 2000 }],
    limit: [{ device: 'mlx4_0', hcaHandles: 3, hcaObjects: 0xffff_ffff }],
  });
});

test('a controller that the host does not have leaves its section out', () => {
  const sections = {
    memory: ['memory', 'memoryOomControl'],
    pids: ['pids'],
    blkio: ['blkio'],
  } as const;
  for (const [controller, names] of Object.entries(sections)) {
    using tree = record();
    tree.remove(controller);
    const metrics = metricsOf(tree);
    for (const name of names) assert.equal(metrics[name], undefined);
    assert.notEqual(metrics.cpu, undefined);
  }
});

test('either half of the processor section is there without the other, so that clients may look into both', () => {
  using tree = record();
  tree.remove('cpuacct');
  const { cpu } = metricsOf(tree);
  assert.deepEqual(cpu?.usage, { total: 0n, kernel: 0n, user: 0n, perCpu: [] });
  assert.equal(cpu?.throttling?.throttledPeriods, 31n);
  tree.remove('cpu');
  assert.equal(metricsOf(tree).cpu, undefined);
});

test('a host that does not count swap or kernel memory leaves those out', () => {
  using tree = record();
  for (const name of ['usage_in_bytes', 'max_usage_in_bytes', 'limit_in_bytes', 'failcnt']) {
    tree.remove(`memory/memory.memsw.${name}`, `memory/memory.kmem.${name}`, `memory/memory.kmem.tcp.${name}`);
  }
  const { memory } = metricsOf(tree);
  assert.deepEqual([memory?.swap, memory?.kernel, memory?.kernelTcp], [undefined, undefined, undefined]);
  assert.equal(memory?.usage?.usage, 409600n);
});

test('a group that is gone has no sections at all', () => {
  const tree = record();
  const controllers = controllersOf(tree);
  tree[Symbol.dispose]();
  const { hugetlb, network, ...sections } = readV1Metrics(controllers, []);
  assert.deepEqual([hugetlb, network], [[], []]);
  for (const [name, section] of Object.entries(sections)) assert.equal(section, undefined, name);
});

test('the message goes over the wire whole, under containerd’s type', () => {
  using tree = record();
  const network = { rxBytes: 1n, rxPackets: 2n, rxErrors: 3n, rxDropped: 4n };
  const more = { txBytes: 5n, txPackets: 6n, txErrors: 7n, txDropped: 2n ** 64n - 1n };
  const any = encodeV1Metrics(controllersOf(tree), [{ name: 'eth0', ...network, ...more }]);
  assert.equal(any.typeUrl, 'io.containerd.cgroups.v1.Metrics');
  assert.deepEqual(Metrics.decode(any.value), { ...metricsOf(tree), network: [{ name: 'eth0', ...network, ...more }] });
});
