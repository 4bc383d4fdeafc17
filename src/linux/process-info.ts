// What /proc tells about a process: its start time, its state, its children, its cgroups.
import { readdirSync, readFileSync } from 'node:fs';
import { isSystemError } from './libc.js';

export interface ProcessStat {
  readonly pid: number;
  /** One letter as in ps: R, S, D, Z, T, ... */
  readonly state: string;
  readonly parentPid: number;
  /** The pid of its session's leader. */
  readonly session: number;
  /** Clock ticks since boot; with the pid it names one process for good, though pids are used again. */
  readonly startTime: bigint;
  /** As wait(2) stores it; of a zombie, and 0 before. The kernel shows it to whoever may trace the process. */
  readonly waitStatus: number;
}

/** undefined when there is no such process. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  const text = readProc(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseProcessStat(text);
}

/** Parses /proc/PID/stat; the command's name in it may hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  const [state, parent] = fields;
  const session = fields[3];
  const startTime = fields[19];
  if (close < 0 || state === undefined || parent === undefined || session === undefined || startTime === undefined) {
    return undefined;
  }
  return {
    pid: Number.parseInt(text, 10),
    state,
    parentPid: Number.parseInt(parent, 10),
    session: Number.parseInt(session, 10),
    startTime: BigInt(startTime),
    waitStatus: Number.parseInt(fields[49] ?? '0', 10),
  };
}

/** The pids of this process's own children, whichever of its threads they belong to. */
export function ownChildren(): number[] {
  const children: number[] = [];
  for (const thread of readdirSync('/proc/self/task')) {
    // A thread may end between the listing and the read.
    const text = readProc(`/proc/self/task/${thread}/children`) ?? '';
    for (const pid of text.split(' ')) {
      if (pid.trim() !== '') children.push(Number.parseInt(pid, 10));
    }
  }
  return children;
}

/** The pid of a process that has `text` as one argument of its command line. */
export function findArgument(text: string): number | undefined {
  for (const name of readdirSync('/proc')) {
    const pid = Number.parseInt(name, 10);
    if (pid > 0 && readProc(`/proc/${pid}/cmdline`)?.split('\0').includes(text) === true) return pid;
  }
  return undefined;
}

export interface CgroupMembership {
  /** v1: its controllers, or `name=systemd`; empty for v2. */
  readonly controllers: readonly string[];
  /** From the root of the reader's cgroup namespace. */
  readonly path: string;
}

/** undefined when there is no such process. */
export function readProcessCgroups(pid: number | 'self'): CgroupMembership[] | undefined {
  const text = readProc(`/proc/${pid}/cgroup`);
  return text === undefined ? undefined : parseProcessCgroups(text);
}

export function parseProcessCgroups(text: string): CgroupMembership[] {
  const memberships: CgroupMembership[] = [];
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match?.[2] === undefined) continue;
    const controllers = match[1] === undefined || match[1] === '' ? [] : match[1].split(',');
    memberships.push({ controllers, path: match[2] });
  }
  return memberships;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
