// What a deletion answers: how the process ended.
import type { ProcessRecord } from '../domain/records.js';
import type { UnixNanos } from '../domain/time.js';
import type { Timestamp } from '../generated/google/protobuf/timestamp.js';
import { nanosFromTimestamp } from './wire-values.js';

export interface ProcessEnd {
  readonly pid: number;
  readonly exitStatus: number;
  /** Zero for a process that never ran. */
  readonly exitedAt: UnixNanos;
}

export interface ShimEnd {
  readonly exitStatus: number;
  readonly exitedAt?: Timestamp | undefined;
}

/** The committed exit where there is one; else what the shim answered to the deletion. */
export function endOf(process: ProcessRecord, shimEnd: ShimEnd | undefined): ProcessEnd {
  if (process.state === 'stopped') {
    const { pid, status, exitedAt } = process.exit;
    return { pid, exitStatus: status, exitedAt };
  }
  return {
    pid: process.pid,
    exitStatus: shimEnd?.exitStatus ?? 0,
    exitedAt: nanosFromTimestamp(shimEnd?.exitedAt),
  };
}
