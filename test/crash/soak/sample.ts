// What must not grow while containers come and go.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestDaemon } from '../../helpers/daemon.js';
import { findCgroups, findProcesses } from '../../helpers/host-state.js';

export interface Sample {
  readonly seconds: number;
  /** Processes that have ended so far, containers' and execs'. */
  readonly ended: number;
  readonly daemonMiB: number;
  readonly daemonDescriptors: number;
  readonly processes: number;
  readonly cgroups: number;
  readonly databaseMiB: number;
}

const kibPerMib = 1024;
const bytesPerMib = 1024 * 1024;

export async function takeSample(daemon: TestDaemon, seconds: number, ended: number): Promise<Sample> {
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
  return {
    seconds: Math.round(seconds),
    ended,
    daemonMiB: Math.round((resident / kibPerMib) * 10) / 10,
    daemonDescriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
    processes: findProcesses(daemon).length,
    cgroups: findCgroups(daemon).length,
    databaseMiB: Math.round((directoryBytes(join(daemon.root, 'db')) / bytesPerMib) * 100) / 100,
  };
}

function directoryBytes(directory: string): number {
  let bytes = 0;
  for (const name of readdirSync(directory)) {
    // LevelDB removes files while we look.
    bytes += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
