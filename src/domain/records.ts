// What Berth remembers: the records in LevelDB, free of any wire's types.
import type { ProcessExit } from './exit.js';
import type { ContainerKey } from './ids.js';
import type { UnixNanos } from './time.js';

export type Labels = Readonly<Record<string, string>>;

/** A value with its type's URL, as google.protobuf.Any carries it; Berth stores it as it came. */
export interface TypedValue {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export interface NamespaceRecord {
  readonly name: string;
  readonly labels: Labels;
}

export interface ContainerRecord extends ContainerKey {
  readonly labels: Labels;
  readonly image: string;
  readonly runtime: { readonly name: string; readonly options?: TypedValue };
  readonly spec?: TypedValue;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly sandbox: string;
  readonly extensions: Readonly<Record<string, TypedValue>>;
  readonly createdAt: UnixNanos;
  readonly updatedAt: UnixNanos;
}

/** Paths or URIs of a process's streams; empty means none. */
export interface Stdio {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

interface ProcessBase {
  /** Empty for the container's init. */
  readonly execId: string;
  readonly stdio: Stdio;
}

/** An exec that is only added has no pid yet (0); a created init has one. */
export interface CreatedProcess extends ProcessBase {
  readonly state: 'created';
  readonly pid: number;
}

export interface LiveProcess extends ProcessBase {
  readonly state: 'running' | 'pausing' | 'paused';
  readonly pid: number;
}

export interface StoppedProcess extends ProcessBase {
  readonly state: 'stopped';
  readonly pid: number;
  readonly exit: ProcessExit;
}

export type ProcessRecord = CreatedProcess | LiveProcess | StoppedProcess;

/** The shim that a task runs under. */
export interface ShimRecord {
  /** Random per shim process, so that a sequence is never compared with another shim's. */
  readonly shimId: string;
  readonly pid: number;
  /** The highest sequence of this shim's events that is committed. */
  readonly sequence: bigint;
  /** Where a shim that is not Berth's own serves; Berth's own serves its bundle's `shim.sock`. */
  readonly endpoint?: ShimEndpoint;
}

export interface ShimEndpoint {
  /** `unix://PATH`, as the shim has told it. */
  readonly address: string;
  /** Of the task API. */
  readonly version: 2 | 3;
}

/** Which OCI runtime holds a container's state, so that it can be deleted also when its shim is gone. */
export interface RuntimeLocation {
  /** A name on PATH or an absolute path. */
  readonly binary: string;
  /** The runtime's --root for this namespace. */
  readonly root: string;
  /** As the shim was given them: containerd.runc.v1.Options, but for a foreign shim that takes another type or none. */
  readonly options: TypedValue;
  /** The path of the binary of a shim that is not Berth's own. */
  readonly shim?: string;
}

export interface TaskRecord extends ContainerKey {
  readonly bundle: string;
  readonly runtime: RuntimeLocation;
  readonly shim: ShimRecord;
  readonly init: ProcessRecord;
  /** The init process's start in clock ticks since boot: with its pid it names that process for good. */
  readonly initStartTime: bigint;
  readonly execs: Readonly<Record<string, ProcessRecord>>;
  readonly createdAt: UnixNanos;
}

/** An exit as it is kept after the task is gone. */
export interface ExitRecord extends ContainerKey, ProcessExit {
  /** Empty for the container's init. */
  readonly execId: string;
  /** The exit's sequence in its shim's journal; 0 where it came from no shim. */
  readonly shimSequence: bigint;
}

export interface LeaseRecord {
  readonly namespace: string;
  readonly id: string;
  readonly labels: Labels;
  readonly createdAt: UnixNanos;
}

/** An event before the journal gave it a number. */
export interface EventDraft {
  readonly namespace: string;
  readonly topic: string;
  readonly timestamp: UnixNanos;
  readonly event: TypedValue;
}

/** An event in the journal: numbers have no gaps and are never used twice. */
export interface EventRecord extends EventDraft {
  readonly number: bigint;
}
