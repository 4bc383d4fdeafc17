// The events of a task as containerd's subscribers know them: topic, and message as Any.
import type { JournalRecord } from '../../src/domain/exit-journal.js';
import type { UnixNanos } from '../../src/domain/time.js';
import { TaskExit, TaskOOM } from '../../src/generated/containerd/events/task.js';
import type { Any } from '../../src/generated/google/protobuf/any.js';
import { timestampFromNanos } from '../wire.js';

export interface TaskEvent {
  readonly topic: string;
  readonly event: Any;
  /** When it happened; undefined for now. */
  readonly at?: UnixNanos;
}

interface Encoder<M> {
  encode(message: M): { finish(): Uint8Array };
}

export function taskEvent<M>(topic: string, name: string, encoder: Encoder<M>, message: M): TaskEvent {
  const value = Buffer.from(encoder.encode(message).finish());
  return { topic, event: { typeUrl: `containerd.events.${name}`, value } };
}

export function eventOfRecord(record: JournalRecord): TaskEvent {
  const { containerId } = record;
  if ('outOfMemoryAt' in record) {
    return { ...taskEvent('/tasks/oom', 'TaskOOM', TaskOOM, { containerId }), at: record.outOfMemoryAt };
  }
  const { execId, exit } = record;
  const message = {
    containerId,
    id: execId === '' ? containerId : execId,
    pid: exit.pid,
    exitStatus: exit.status,
    exitedAt: timestampFromNanos(exit.exitedAt),
  };
  return { ...taskEvent('/tasks/exit', 'TaskExit', TaskExit, message), at: exit.exitedAt };
}
