// A task's status as `berth` prints it.
import { Status } from '../generated/containerd/v1/types/task.js';

export type StatusName = 'unknown' | 'created' | 'running' | 'stopped' | 'paused' | 'pausing';

const names = {
  [Status.UNKNOWN]: 'unknown',
  [Status.CREATED]: 'created',
  [Status.RUNNING]: 'running',
  [Status.STOPPED]: 'stopped',
  [Status.PAUSED]: 'paused',
  [Status.PAUSING]: 'pausing',
} as const satisfies Record<Status, StatusName>;

/** A daemon newer than this program may have statuses that it does not know. */
export function statusName(status: Status): StatusName {
  const known: Readonly<Record<number, StatusName>> = names;
  return known[status] ?? 'unknown';
}
