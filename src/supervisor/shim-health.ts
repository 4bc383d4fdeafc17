// How the shims are: each is asked now, all at once.
import type { ContainerKey } from '../domain/ids.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';

export interface ShimHealth extends ContainerKey {
  readonly pid: number;
  readonly answers: boolean;
  /** It is under suspicion: calls to it fail without being tried. */
  readonly circuitOpen: boolean;
  /** Since the daemon started. */
  readonly hangs: number;
  readonly droppedBytes: bigint;
}

/** Of every task that has a shim, or should have one. */
export async function shimHealth({ tasks }: Supervisor): Promise<ShimHealth[]> {
  const served = tasks.list().filter(({ shim, record }) => shim !== undefined || record.init.state !== 'stopped');
  return await Promise.all(served.map(healthOf));
}

export async function healthOf({ shim, record, hangs, suspected }: LiveTask): Promise<ShimHealth> {
  const { namespace, id } = record;
  const known = { namespace, id, pid: record.shim.pid, hangs, circuitOpen: suspected };
  if (suspected) return { ...known, answers: false, droppedBytes: 0n };
  try {
    const processes = (await shim?.processes(record)) ?? [];
    const droppedBytes = processes.reduce((sum, process) => sum + process.droppedBytes, 0n);
    return { ...known, answers: shim !== undefined, droppedBytes };
  } catch {
    return { ...known, answers: false, droppedBytes: 0n };
  }
}
