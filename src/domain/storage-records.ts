// What Berth remembers of a container's storage beside its record.
import type { ContainerKey } from './ids.js';
import type { UnixNanos } from './time.js';

/** A value that somebody keeps beside a container. */
export interface MetadataRecord extends ContainerKey {
  readonly name: string;
  readonly value: Uint8Array;
  readonly updatedAt: UnixNanos;
}

/** A container's root file system as it is shown on the host. */
export interface RootMountRecord extends ContainerKey {
  /** Mounts that are to be undone; at least 1. */
  readonly count: number;
  /** The SELinux label it was mounted with; empty for none. */
  readonly label: string;
  readonly mountedAt: UnixNanos;
}
