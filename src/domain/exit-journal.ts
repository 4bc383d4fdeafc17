// The shim's exit journal: one JSON line per exit in BUNDLE/exits, synced before the exit is announced, so that berthd
// can read from a dead shim's bundle what the shim could no longer tell. Notices of kills for want of memory have lines
// too, before those of the exits they caused.
import type { ProcessExit, Provenance } from './exit.js';
import type { UnixNanos } from './time.js';

/** The file's name in the bundle. */
export const exitJournalName = 'exits';

export interface JournaledExit {
  /** From 1, without gaps, per shim process. */
  readonly sequence: bigint;
  readonly containerId: string;
  /** Empty for the container's init. */
  readonly execId: string;
  readonly exit: ProcessExit;
}

/** The kernel has killed processes of the container for want of memory. */
export interface JournaledOutOfMemory {
  /** Of the same series as the exits'. */
  readonly sequence: bigint;
  readonly containerId: string;
  readonly outOfMemoryAt: UnixNanos;
}

export type JournalRecord = JournaledExit | JournaledOutOfMemory;

/** One line, newline included. */
export function encodeJournalRecord(record: JournalRecord): string {
  const names = { sequence: Number(record.sequence), container: record.containerId };
  return `${JSON.stringify({ ...names, ...('exit' in record ? exitFields(record) : outOfMemoryFields(record)) })}\n`;
}

/** Lines that are torn (the machine or the shim stopped while writing) or of no known kind are left out. */
export function parseJournal(text: string): JournalRecord[] {
  const records: JournalRecord[] = [];
  // What follows the last newline was never synced as a whole, so it was never announced either.
  for (const line of text.split('\n').slice(0, -1)) {
    const value = parseObject(line);
    const record = value && (value.outOfMemory === true ? parseOutOfMemory(value) : parseExit(value));
    if (record !== undefined) records.push(record);
  }
  return records;
}

/** The exits alone. */
export function parseExitJournal(text: string): JournaledExit[] {
  return parseJournal(text).filter((record) => 'exit' in record);
}

function exitFields({ execId, exit }: JournaledExit): JournalLine {
  const { exitedAt, ...fields } = exit;
  // A string: nanoseconds since 1970 do not fit a JSON number.
  return { exec: execId, ...fields, time: exitedAt.toString() };
}

function outOfMemoryFields({ outOfMemoryAt }: JournaledOutOfMemory): JournalLine {
  return { outOfMemory: true, time: outOfMemoryAt.toString() };
}

const provenances: readonly string[] = ['waited', 'pidfd', 'journal', 'unknown'] satisfies Provenance[];

function parseExit(value: JournalLine): JournaledExit | undefined {
  const { sequence, container, exec, pid, status, signal, time, provenance, oomKilled } = value;
  if (!isCount(sequence) || !isCount(pid) || !isCount(status) || !isCount(signal)) return undefined;
  if (typeof container !== 'string' || typeof exec !== 'string' || typeof oomKilled !== 'boolean') return undefined;
  if (!isTime(time)) return undefined;
  if (typeof provenance !== 'string' || !provenances.includes(provenance)) return undefined;
  const told = provenance as Provenance;
  return {
    sequence: BigInt(sequence),
    containerId: container,
    execId: exec,
    exit: { pid, status, signal, exitedAt: BigInt(time), provenance: told, oomKilled },
  };
}

function parseOutOfMemory({ sequence, container, time }: JournalLine): JournaledOutOfMemory | undefined {
  if (!isCount(sequence) || typeof container !== 'string' || !isTime(time)) return undefined;
  return { sequence: BigInt(sequence), containerId: container, outOfMemoryAt: BigInt(time) };
}

type JournalField =
  | ('sequence' | 'container' | 'exec' | 'pid' | 'status' | 'signal' | 'time' | 'provenance' | 'oomKilled')
  | 'outOfMemory';

type JournalLine = Partial<Record<JournalField, unknown>>;

function parseObject(line: string): JournalLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && /^\d+$/.test(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
