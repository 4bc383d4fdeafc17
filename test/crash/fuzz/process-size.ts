// How much a process holds: descriptors and memory, from /proc.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessSize {
  readonly descriptors: number;
  readonly residentKib: number;
}

export function processSize(pid: number): ProcessSize {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { descriptors: descriptorsOf(pid).length, residentKib: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) };
}

/** What its descriptors lead to. */
export function descriptorsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((name) => {
    try {
      return [readlinkSync(`${directory}/${name}`)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}
