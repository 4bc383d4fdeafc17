// What the supervisor needs of the shim that serves a task, whoever wrote that shim.
import type { ProcessState, ShimEvent } from '../generated/berth/shim/v1/shim.js';
import type { TaskDefinition } from '../generated/containerd/task/v3/shim.js';
import type { ShimRecord, TaskRecord } from '../domain/records.js';
import type { Client } from '../ttrpc/client.js';

/** What is recorded of a shim, but for how far its events are committed. */
export type ShimIdentity = Omit<ShimRecord, 'sequence'>;

export interface TaskShim {
  readonly task: Client<typeof TaskDefinition>;
  readonly identity: ShimIdentity;
  /** Its processes as it told them when it was connected to again; a new shim was not asked. */
  readonly greeting: readonly ProcessState[] | undefined;
  /** Resolves when the connection has ended, for whatever reason. */
  readonly closed: Promise<unknown>;
  /** Rejects when the shim does not even say who it is. */
  ping(): Promise<void>;
  /** The recorded processes as the shim knows them. */
  processes(record: TaskRecord): Promise<readonly ProcessState[]>;
  /**
   * Hands every event that is not committed yet to `handle`, in order, until the connection ends. `record` gives the task as
   * it is committed at that moment.
   */
  follow(record: () => TaskRecord, handle: (event: ShimEvent) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
