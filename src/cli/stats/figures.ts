// A container's resource figures out of containerd's metrics messages, of cgroup v1 and v2 alike.
import type { Metric } from '../../generated/containerd/types/metrics.js';
import { type BlkIOEntry, Metrics as V1Metrics } from '../../generated/io/containerd/cgroups/v1/metrics.js';
import { Metrics as V2Metrics } from '../../generated/io/containerd/cgroups/v2/metrics.js';
import { nanosFromTimestamp } from '../json-value.js';

export interface Figures {
  readonly id: string;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly cpuNanos: bigint;
  readonly memoryBytes: bigint;
  /** Without the cache that the kernel gives back first: what docker and the kubelet call used. */
  readonly workingSetBytes: bigint;
  /** undefined where there is no limit. */
  readonly memoryLimitBytes: bigint | undefined;
  readonly pids: bigint;
  readonly pidsLimit: bigint | undefined;
  readonly readBytes: bigint;
  readonly writtenBytes: bigint;
  readonly receivedBytes: bigint;
  readonly sentBytes: bigint;
}

type CgroupFigures = Omit<Figures, 'id' | 'time' | 'receivedBytes' | 'sentBytes'>;

/** 'No limit' is the largest number of pages on v1, and of bytes on v2; no machine has as much. */
const unlimited = 1n << 62n;
const nanosPerMicro = 1000n;

/** undefined where the server has sent figures of another kind. */
export function figuresFrom({ id, timestamp, data }: Metric): Figures | undefined {
  if (data === undefined) return undefined;
  const time = timestamp === undefined ? BigInt(Date.now()) * 1_000_000n : nanosFromTimestamp(timestamp);
  switch (data.typeUrl.slice(data.typeUrl.lastIndexOf('/') + 1)) {
    case 'io.containerd.cgroups.v1.Metrics': {
      const metrics = V1Metrics.decode(data.value);
      return { id, time, ...figuresOfV1(metrics), ...networkOf(metrics) };
    }
    case 'io.containerd.cgroups.v2.Metrics': {
      const metrics = V2Metrics.decode(data.value);
      return { id, time, ...figuresOfV2(metrics), ...networkOf(metrics) };
    }
    default:
      return undefined;
  }
}

function figuresOfV1({ cpu, memory, pids, blkio }: V1Metrics): CgroupFigures {
  const usage = memory?.usage?.usage ?? 0n;
  const entries = blkio?.ioServiceBytesRecursive ?? [];
  return {
    cpuNanos: cpu?.usage?.total ?? 0n,
    memoryBytes: usage,
    workingSetBytes: notNegative(usage - (memory?.totalInactiveFile ?? 0n)),
    memoryLimitBytes: limitOf(memory?.usage?.limit),
    pids: pids?.current ?? 0n,
    pidsLimit: limitOf(pids?.limit),
    readBytes: bytesOf(entries, 'read'),
    writtenBytes: bytesOf(entries, 'write'),
  };
}

function figuresOfV2({ cpu, memory, pids, io }: V2Metrics): CgroupFigures {
  const usage = memory?.usage ?? 0n;
  const entries = io?.usage ?? [];
  return {
    cpuNanos: (cpu?.usageUsec ?? 0n) * nanosPerMicro,
    memoryBytes: usage,
    workingSetBytes: notNegative(usage - (memory?.inactiveFile ?? 0n)),
    memoryLimitBytes: limitOf(memory?.usageLimit),
    pids: pids?.current ?? 0n,
    pidsLimit: limitOf(pids?.limit),
    readBytes: entries.reduce((sum, { rbytes }) => sum + rbytes, 0n),
    writtenBytes: entries.reduce((sum, { wbytes }) => sum + wbytes, 0n),
  };
}

function networkOf({ network }: V1Metrics | V2Metrics): Pick<Figures, 'receivedBytes' | 'sentBytes'> {
  return {
    receivedBytes: network.reduce((sum, { rxBytes }) => sum + rxBytes, 0n),
    sentBytes: network.reduce((sum, { txBytes }) => sum + txBytes, 0n),
  };
}

/** The kernel writes Read, containerd passes it on in either case. */
function bytesOf(entries: readonly BlkIOEntry[], operation: string): bigint {
  const some = entries.filter(({ op }) => op.toLowerCase() === operation);
  return some.reduce((sum, { value }) => sum + value, 0n);
}

function limitOf(limit: bigint | undefined): bigint | undefined {
  return limit === undefined || limit === 0n || limit >= unlimited ? undefined : limit;
}

/** Usage and its parts are read one after the other. */
function notNegative(bytes: bigint): bigint {
  return bytes < 0n ? 0n : bytes;
}
