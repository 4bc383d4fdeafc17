// The shim's values as its wires carry them.
import type { Provenance } from '../src/domain/exit.js';
import type { ProcessState } from '../src/domain/process-state.js';
import type { UnixNanos } from '../src/domain/time.js';
import { Provenance as WireProvenance } from '../src/generated/berth/v1/provenance.js';
import { Status } from '../src/generated/containerd/v1/types/task.js';
import type { Timestamp } from '../src/generated/google/protobuf/timestamp.js';

const nanosPerSecond = 1_000_000_000n;

export const statusToWire = {
  created: Status.CREATED,
  running: Status.RUNNING,
  pausing: Status.PAUSING,
  paused: Status.PAUSED,
  stopped: Status.STOPPED,
} as const satisfies Record<ProcessState, Status>;

export const provenanceToWire = {
  waited: WireProvenance.WAITED,
  pidfd: WireProvenance.PIDFD,
  journal: WireProvenance.JOURNAL,
  unknown: WireProvenance.UNKNOWN,
  shim: WireProvenance.SHIM,
} as const satisfies Record<Provenance, WireProvenance>;

export function nanosFromTimestamp(timestamp: Timestamp | undefined): UnixNanos {
  return timestamp === undefined ? 0n : timestamp.seconds * nanosPerSecond + BigInt(timestamp.nanos);
}

export function timestampFromNanos(time: UnixNanos): Timestamp {
  return { seconds: time / nanosPerSecond, nanos: Number(time % nanosPerSecond) };
}
