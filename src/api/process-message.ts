// A process record as containerd's Process message.
import type { ProcessState } from '../domain/process-state.js';
import type { ProcessRecord, TaskRecord } from '../domain/records.js';
import { type Process, Status } from '../generated/containerd/v1/types/task.js';
import type { LiveTask } from '../supervisor/live-tasks.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';

const statusOf = {
  created: Status.CREATED,
  running: Status.RUNNING,
  pausing: Status.PAUSING,
  paused: Status.PAUSED,
  stopped: Status.STOPPED,
} as const satisfies Record<ProcessState, Status>;

/** The init process goes by the container's id. As in containerd, nothing is said of a state that a hung shim would know. */
export function processToWire({ record: task, suspected }: LiveTask, process: ProcessRecord): Process {
  const exit = process.state === 'stopped' ? process.exit : undefined;
  return {
    containerId: task.id,
    id: process.execId === '' ? task.id : process.execId,
    pid: process.pid,
    status: suspected && exit === undefined ? Status.UNKNOWN : statusOf[visibleState(task, process)],
    ...process.stdio,
    exitStatus: exit?.status ?? 0,
    exitedAt: timestampFromNanos(exit?.exitedAt ?? 0n),
  };
}

/** Pausing freezes the whole container: what runs in it is paused as its init is. */
function visibleState({ init }: TaskRecord, process: ProcessRecord): ProcessState {
  const frozen = init.state === 'pausing' || init.state === 'paused';
  return frozen && process.state === 'running' ? init.state : process.state;
}
