// A process record as containerd's Process message.
import type { ProcessState } from '../domain/process-state.js';
import type { ProcessRecord } from '../domain/records.js';
import { type Process, Status } from '../generated/containerd/v1/types/task.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';

const statusOf = {
  created: Status.CREATED,
  running: Status.RUNNING,
  pausing: Status.PAUSING,
  paused: Status.PAUSED,
  stopped: Status.STOPPED,
} as const satisfies Record<ProcessState, Status>;

/** The init process goes by the container's id. */
export function processToWire(containerId: string, process: ProcessRecord): Process {
  const exit = process.state === 'stopped' ? process.exit : undefined;
  return {
    containerId,
    id: process.execId === '' ? containerId : process.execId,
    pid: process.pid,
    status: statusOf[process.state],
    ...process.stdio,
    exitStatus: exit?.status ?? 0,
    exitedAt: timestampFromNanos(exit?.exitedAt ?? 0n),
  };
}
