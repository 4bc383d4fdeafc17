// A checkpoint in the catalogue: what was dumped, how, and with what, and what every file of it must be.
import type { ContainerRecord } from './records.js';
import type { UnixNanos } from './time.js';

export interface CheckpointKey {
  readonly namespace: string;
  /** Unique in its namespace, whichever container it is of. */
  readonly name: string;
}

export interface CheckpointChoices {
  readonly exit: boolean;
  readonly openTcp: boolean;
  readonly externalUnixSockets: boolean;
  readonly shell: boolean;
  readonly fileLocks: boolean;
  readonly emptyNamespaces: readonly string[];
  readonly preDump: boolean;
}

export interface CheckpointFile {
  /** Relative to the checkpoint's directory. */
  readonly path: string;
  readonly digest: string;
  readonly size: bigint;
}

/** What is known before the dump; kept beside the image, so that a crash after the dump loses nothing. */
export interface CheckpointPlan extends CheckpointKey {
  readonly containerId: string;
  readonly createdAt: UnixNanos;
  readonly options: CheckpointChoices;
  /** Name of the checkpoint that this one only adds to; empty for a whole one. */
  readonly parent: string;
  /** As it was then: the container may be gone by the time of the restore. */
  readonly container: ContainerRecord;
  readonly criuVersion: string;
  readonly runtimeVersion: string;
}

export interface CheckpointRecord extends CheckpointPlan {
  readonly files: readonly CheckpointFile[];
  /** Bytes of all files. */
  readonly size: bigint;
}
