// Pure steps from one task record to the next.
import type { ProcessExit } from '../domain/exit.js';
import type { ProcessRecord, TaskRecord } from '../domain/records.js';
import { readProcessStat } from '../linux/process-info.js';
import { type ProcessEvent, stepState } from '../domain/process-state.js';

export function withProcess(record: TaskRecord, process: ProcessRecord): TaskRecord {
  if (process.execId === '') return { ...record, init: process };
  return { ...record, execs: { ...record.execs, [process.execId]: process } };
}

export function withoutExec(record: TaskRecord, execId: string): TaskRecord {
  const { [execId]: _removed, ...execs } = record.execs;
  return { ...record, execs };
}

export function withSequence(record: TaskRecord, sequence: bigint): TaskRecord {
  return { ...record, shim: { ...record.shim, sequence } };
}

/** The process after `start` (with its pid), `pause` and so on; throws `failed-precondition` where that cannot be. */
export function stepped(process: ProcessRecord, event: Exclude<ProcessEvent, 'exit'>, pid: number): ProcessRecord {
  const state = stepState(describeProcess(process), process.state, event);
  if (state === 'created' || state === 'stopped') throw new Error(`${event} must not lead to ${state}`);
  return { execId: process.execId, stdio: process.stdio, state, pid };
}

/** The record after a step of its init process that keeps the pid. */
export function steppedInit(record: TaskRecord, event: Exclude<ProcessEvent, 'exit'>): TaskRecord {
  return withProcess(record, stepped(record.init, event, record.init.pid));
}

export function stopped(process: ProcessRecord, exit: ProcessExit): ProcessRecord {
  stepState(describeProcess(process), process.state, 'exit');
  return { execId: process.execId, stdio: process.stdio, state: 'stopped', pid: exit.pid, exit };
}

/** 0 where there is no such process. */
export function startTimeOf(pid: number): bigint {
  return (pid === 0 ? undefined : readProcessStat(pid)?.startTime) ?? 0n;
}

function describeProcess(process: ProcessRecord): string {
  return process.execId === '' ? 'the init process' : `process ${process.execId}`;
}
