// How a process ended, and how we know.
import type { UnixNanos } from './time.js';

/**
 * How a status was learnt: `waited` by the process's own parent, `pidfd` from the kernel by file descriptor, `journal`
 * from the shim's file after the shim died, `shim` when a shim that is not Berth's own has said so, `unknown` when nobody
 * measured it. Told, never made up.
 */
export type Provenance = 'waited' | 'pidfd' | 'journal' | 'shim' | 'unknown';

/** What clients see when nobody measured the status (containerd's UnknownExitStatus). */
export const unknownExitStatus = 255;

export interface ProcessExit {
  readonly pid: number;
  /** 0 to 255; 128 + signal when a signal ended the process. */
  readonly status: number;
  /** The signal that ended it, else 0. */
  readonly signal: number;
  readonly exitedAt: UnixNanos;
  readonly provenance: Provenance;
  readonly oomKilled: boolean;
}
