// Pressure stall figures of cgroup v2: how long processes waited for a resource.
import type { PSIData, PSIStats } from '../../src/generated/io/containerd/cgroups/v2/metrics.js';
import { readCgroupText } from '../../src/linux/cgroup-files.js';

/** Undefined where the kernel does not count it. */
export function readPressure(directory: string, name: string): PSIStats | undefined {
  const text = readCgroupText(directory, name);
  return text === undefined ? undefined : parsePressure(text);
}

/** Lines `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and `full ...`; the processor's has no `full` on old kernels. */
export function parsePressure(text: string): PSIStats {
  return { some: dataOf(text, 'some'), full: dataOf(text, 'full') };
}

function dataOf(text: string, kind: string): PSIData | undefined {
  const line = new RegExp(`^${kind} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+) total=(\\d+)$`, 'm').exec(text);
  if (line === null) return undefined;
  const [, avg10, avg60, avg300, total] = line;
  return { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: BigInt(total ?? 0) };
}
