// What the supervisor does differently for Berth's own shims and for other people's. A task's record says which it has.
import type { ContainerKey } from '../domain/ids.js';
import type { RuntimeLocation, TaskRecord } from '../domain/records.js';
import type { ShimIdentity, TaskShim } from '../shims/task-shim.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';

export interface ShimPlace extends ContainerKey {
  readonly bundle: string;
  readonly runtime: RuntimeLocation;
}

/** A container that nobody serves any more, or its bundle at least. */
export interface ContainerRemains extends ContainerKey {
  readonly bundle: string;
  readonly runtime: Omit<RuntimeLocation, 'options'>;
}

export interface ShimKind {
  /** A shim that serves the bundle from now on, connected. */
  launch(supervisor: Supervisor, place: ShimPlace): Promise<TaskShim>;
  /** Whoever serves the recorded task; rejects where nobody answers. */
  connect(supervisor: Supervisor, record: TaskRecord): Promise<TaskShim>;
  /** The shim is dead: who serves its container from now on; undefined when there is nothing left to serve. */
  replace(supervisor: Supervisor, task: LiveTask): Promise<TaskShim | undefined>;
  /** Kills the shim's process while that is surely the shim: a pid may be used again. */
  kill(shim: ShimIdentity, bundle: string): void;
  /** It is killed at the end of its use: from then on it does nothing more, though it takes a while to be gone. */
  readonly endsAtOnce: boolean;
  /** Ends a shim that has no container any more; resolves when it is gone. */
  shutdown(supervisor: Supervisor, shim: TaskShim, place: Omit<ShimPlace, 'runtime'>): Promise<void>;
  /** Has whoever still serves a bundle that no record owns end. */
  dismiss(supervisor: Supervisor, remains: ContainerRemains): Promise<void>;
  /** Ends what still works in a bundle that no record owns, and deletes the container if there is one. */
  clear(supervisor: Supervisor, remains: ContainerRemains): Promise<void>;
  /** Deletes a container that no shim serves, and kills what may still run in it. Idempotent. */
  deleteContainer(supervisor: Supervisor, remains: ContainerRemains): Promise<void>;
}

export function shimKindOf({ shimKinds }: Supervisor, { shim }: Omit<RuntimeLocation, 'options'>): ShimKind {
  return shim === undefined ? shimKinds.own : shimKinds.foreign;
}
