// What an invariant is: something that holds for every task, mount, number ..., or a problem that says where it does not.
import type { Supervisor } from '../supervisor.js';

/** Something that should not be so. */
export interface Problem {
  /** NAMESPACE/ID, a path, a pid, or a number of the journal. */
  readonly object: string;
  readonly message: string;
  /** What a person can do about it. */
  readonly remedy: string;
  /** What Berth can do about it without losing anything that runs. */
  readonly repair?: () => void | Promise<void>;
}

export interface Invariant {
  /** In kebab case, for programs. */
  readonly name: string;
  /** Yields a problem, or undefined for each thing that is in order. */
  readonly examine: (supervisor: Supervisor) => AsyncIterable<Problem | undefined>;
}
