// The stdio of one process: what the runtime is handed to start it, and what becomes of the bytes afterwards.
import type { Stdio } from '../../src/domain/records.js';
import type { WindowSize } from '../../src/linux/terminal.js';
import type { Descriptors } from '../../src/runc/runc.js';
import type { Log } from '../../src/base/log.js';
import type { DriverHost } from './log-driver.js';
import { PipeIo } from './pipe-io.js';
import type { PipeInodes } from './pipe-inodes.js';
import { TerminalIo } from './terminal-io.js';

export interface ProcessIo {
  /** For the runtime's child; a terminal has none. */
  readonly descriptors: Descriptors | undefined;
  /** For the runtime, relative to the bundle. */
  readonly consoleSocket: string | undefined;
  /** Of the pipes that the process holds, for a shim that takes over. */
  readonly inodes: PipeInodes;
  /** Bytes of its output that nobody took and that are gone. */
  readonly droppedBytes: number;
  /** Starts what the client wants to take the output, before there is any; rejects where that is not ready in time. */
  prepare(): Promise<void>;
  /** The runtime has returned and the process holds its ends: bytes may flow. */
  attach(): Promise<void>;
  /** Resolves once the client has opened its ends of the output, or has not in good time. */
  readersCame(): Promise<void>;
  /** The client will write no more. */
  closeStdin(): void;
  /** Nothing to do without a terminal. */
  resize(size: WindowSize): void;
  /** The process has ended: nobody reads its stdin any more. */
  exited(): void;
  /** Resolves when all output is with its readers, or has none. */
  readonly drained: Promise<void>;
  /** Lets go of everything, whatever state it is in. */
  close(): void;
}

export interface IoOptions extends DriverHost {
  readonly stdio: Stdio;
  /** Owner of the pipes, for a container that runs as another user and opens /dev/stdout again. */
  readonly uid: number;
  readonly gid: number;
  readonly log: Log;
}

/** Opens the client's ends, so that what cannot be opened fails before any process is made. */
export function openProcessIo(options: IoOptions): ProcessIo {
  return options.stdio.terminal ? new TerminalIo(options) : new PipeIo(options);
}
