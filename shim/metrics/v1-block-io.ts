// The block device sections of the v1 message. Which files hold figures depends on each device's scheduler.
import { readFileSync } from 'node:fs';
import type { BlkIOEntry, BlkIOStat } from '../../src/generated/io/containerd/cgroups/v1/metrics.js';
import { parseFigure, readCgroupText } from '../../src/linux/cgroup-files.js';

type Tables = Readonly<Partial<Record<keyof BlkIOStat, string>>>;

/** Undefined without the controller. The first family of files that holds anything is told, as containerd does. */
export function readV1BlockIo(directory: string): BlkIOStat | undefined {
  if (readCgroupText(directory, 'blkio.throttle.io_serviced') === undefined) return undefined;
  const devices = parseDeviceNames(readFileSync('/proc/partitions', 'utf8'));
  for (const tables of families) {
    const stat = readTables(directory, tables, devices);
    if (Object.values(stat).some((entries) => entries.length > 0)) return stat;
  }
  return emptyStat();
}

function readTables(directory: string, tables: Tables, devices: DeviceNames): BlkIOStat {
  const stat = emptyStat();
  for (const [table, file] of Object.entries(tables) as [keyof BlkIOStat, string][]) {
    stat[table] = parseBlockIo(readCgroupText(directory, `blkio.${file}`) ?? '', devices);
  }
  return stat;
}

/** Lines `8:0 Read 5`, or without the operation; the last line, a total over all devices, is nobody's entry. */
export function parseBlockIo(text: string, devices: DeviceNames): BlkIOEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+)(?: (\w+))? (\d+)$/.exec(line.trim());
    if (match === null) return [];
    const [, major = '', minor = '', op = '', figure = ''] = match;
    const device = devices.get(`${major}:${minor}`) ?? '';
    return [{ op, device, major: BigInt(major), minor: BigInt(minor), value: parseFigure(figure) ?? 0n }];
  });
}

export type DeviceNames = ReadonlyMap<string, string>;

/** Paths in /dev by `major:minor`, from /proc/partitions; of several names the first. */
export function parseDeviceNames(text: string): DeviceNames {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [major = '', minor = '', , name] = line.trim().split(/\s+/);
    const key = `${major}:${minor}`;
    if (/^\d+$/.test(major) && name !== undefined && !names.has(key)) names.set(key, `/dev/${name}`);
  }
  return names;
}

function emptyStat(): BlkIOStat {
  return {
    ioServiceBytesRecursive: [],
    ioServicedRecursive: [],
    ioQueuedRecursive: [],
    ioServiceTimeRecursive: [],
    ioWaitTimeRecursive: [],
    ioMergedRecursive: [],
    ioTimeRecursive: [],
    sectorsRecursive: [],
  };
}

/** Of a scheduler that counts for itself: CFQ before Linux 5.0, BFQ after. */
function schedulerTables(prefix: string): Tables {
  return {
    ioServiceBytesRecursive: `${prefix}io_service_bytes_recursive`,
    ioServicedRecursive: `${prefix}io_serviced_recursive`,
    ioQueuedRecursive: `${prefix}io_queued_recursive`,
    ioServiceTimeRecursive: `${prefix}io_service_time_recursive`,
    ioWaitTimeRecursive: `${prefix}io_wait_time_recursive`,
    ioMergedRecursive: `${prefix}io_merged_recursive`,
    ioTimeRecursive: `${prefix}time_recursive`,
    sectorsRecursive: `${prefix}sectors_recursive`,
  };
}

const families: readonly Tables[] = [
  schedulerTables(''),
  schedulerTables('bfq.'),
  {
    ioServiceBytesRecursive: 'throttle.io_service_bytes_recursive',
    ioServicedRecursive: 'throttle.io_serviced_recursive',
  },
  { ioServiceBytesRecursive: 'throttle.io_service_bytes', ioServicedRecursive: 'throttle.io_serviced' },
];
