// Figures of cgroup v1 and v2, shares of a processor, and what /proc tells of a process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsFrom } from '../../../src/cli/process-facts.js';
import { type Figures, figuresFrom } from '../../../src/cli/stats/figures.js';
import { sampleCells, sampleFrom, sampleJson } from '../../../src/cli/stats/sample.js';
import { Metrics as V1Metrics } from '../../../src/generated/io/containerd/cgroups/v1/metrics.js';
import { Metrics as V2Metrics } from '../../../src/generated/io/containerd/cgroups/v2/metrics.js';

const timestamp = { seconds: 10n, nanos: 0 };
const mib = 1024n * 1024n;

function figures(typeUrl: string, value: Uint8Array): Figures {
  return (
    figuresFrom({ id: 'web', timestamp, data: { typeUrl, value: Buffer.from(value) } }) ?? assert.fail('no figures')
  );
}

function figuresOfV1(limit = 64n * mib): Figures {
  const entry = { device: '', major: 8n, minor: 0n };
  const message = V1Metrics.fromPartial({
    cpu: { usage: { total: 5_000_000_000n } },
    memory: { totalInactiveFile: 2n * mib, usage: { usage: 10n * mib, limit } },
    pids: { current: 3n, limit: 0n },
    blkio: {
      ioServiceBytesRecursive: [
        { ...entry, op: 'Read', value: 100n },
        { ...entry, op: 'Write', value: 50n },
        { ...entry, op: 'Total', value: 150n },
        { ...entry, minor: 16n, op: 'read', value: 1n },
      ],
    },
    network: [{ name: 'eth0', rxBytes: 7n, txBytes: 8n }],
  });
  return figures('io.containerd.cgroups.v1.Metrics', V1Metrics.encode(message).finish());
}

test('figures are read from cgroup v1', () => {
  assert.deepEqual(figuresOfV1(), {
    id: 'web',
    time: 10_000_000_000n,
    cpuNanos: 5_000_000_000n,
    memoryBytes: 10n * mib,
    workingSetBytes: 8n * mib,
    memoryLimitBytes: 64n * mib,
    pids: 3n,
    pidsLimit: undefined,
    readBytes: 101n,
    writtenBytes: 50n,
    receivedBytes: 7n,
    sentBytes: 8n,
  });
  assert.equal(figuresOfV1(0x7fff_ffff_ffff_f000n).memoryLimitBytes, undefined);
});

test('figures are read from cgroup v2', () => {
  const message = V2Metrics.fromPartial({
    cpu: { usageUsec: 5_000_000n },
    memory: { inactiveFile: 20n * mib, usage: 10n * mib, usageLimit: 0xffff_ffff_ffff_ffffn },
    pids: { current: 3n, limit: 100n },
    io: {
      usage: [
        { rbytes: 1n, wbytes: 2n },
        { rbytes: 3n, wbytes: 4n },
      ],
    },
  });
  const found = figures('types.googleapis.com/io.containerd.cgroups.v2.Metrics', V2Metrics.encode(message).finish());
  assert.deepEqual([found.cpuNanos, found.workingSetBytes, found.memoryLimitBytes], [5_000_000_000n, 0n, undefined]);
  assert.deepEqual([found.pidsLimit, found.readBytes, found.writtenBytes], [100n, 4n, 6n]);
});

test('figures of another kind are none', () => {
  const data = { typeUrl: 'io.containerd.windows.Metrics', value: Buffer.alloc(0) };
  assert.equal(figuresFrom({ id: 'web', timestamp, data }), undefined);
  assert.equal(figuresFrom({ id: 'web', timestamp, data: undefined }), undefined);
});

test('the share of a processor is that since the look before', () => {
  const before = figuresOfV1();
  const now = { ...before, time: before.time + 2_000_000_000n, cpuNanos: before.cpuNanos + 3_000_000_000n };
  assert.equal(sampleFrom(now, before).cpuPercent, 150);
  assert.equal(sampleFrom(now, undefined).cpuPercent, undefined);
  assert.equal(sampleFrom(before, now).cpuPercent, undefined);
  assert.deepEqual(sampleCells(sampleFrom(now, before)).slice(0, 6), [
    'web',
    '150.0',
    '8.0MiB',
    '64.0MiB',
    '12.5',
    '3',
  ]);
  const json = sampleJson(sampleFrom(now, undefined)) as Record<string, unknown>;
  assert.deepEqual(
    [json['cpuPercent'], json['pidsLimit'], json['time']],
    [null, null, '1970-01-01T00:00:12.000000000Z'],
  );
});

test('a process is told from /proc, whatever its name', () => {
  const stat = '42 (a) b ( c) S 7 42 42 0 -1 4194560 1 0 0 0 123 77 0 0 20 0 1 0 100 0 0';
  const users = new Map([[33, 'www-data']]);
  assert.deepEqual(factsFrom(stat, 'Name:\tx\nUid:\t0\t33\t0\t0\n', 'sh\0-c\0echo hi\0', users), {
    ppid: 7,
    user: 'www-data',
    cpuSeconds: 2,
    state: 'S',
    command: 'sh -c echo hi',
  });
  const zombie = factsFrom(stat, 'Uid:\t5\t5\t5\t5\n', '', users);
  assert.deepEqual([zombie?.user, zombie?.command], ['5', '[a) b ( c]']);
  assert.equal(factsFrom('', '', '', users), undefined);
});
