// The shim's exit journal: one JSON line per exit in BUNDLE/exits, synced before the exit is announced, so that berthd
// can read from a dead shim's bundle what the shim could no longer tell.
import type { ProcessExit, Provenance } from './exit.js';

/** The file's name in the bundle. */
export const exitJournalName = 'exits';

export interface JournaledExit {
  /** From 1, without gaps, per shim process; out-of-memory notices take numbers too, but no line here. */
  readonly sequence: bigint;
  readonly containerId: string;
  /** Empty for the container's init. */
  readonly execId: string;
  readonly exit: ProcessExit;
}

/** One line, newline included. */
export function encodeJournaledExit(record: JournaledExit): string {
  const { pid, status, signal, exitedAt, provenance, oomKilled } = record.exit;
  const line = {
    sequence: Number(record.sequence),
    container: record.containerId,
    exec: record.execId,
    pid,
    status,
    signal,
    // A string: nanoseconds since 1970 do not fit a JSON number.
    time: exitedAt.toString(),
    provenance,
    oomKilled,
  };
  return `${JSON.stringify(line)}\n`;
}

/** Lines that are torn (the machine or the shim stopped while writing) or no exits are left out. */
export function parseExitJournal(text: string): JournaledExit[] {
  const records: JournaledExit[] = [];
  // What follows the last newline was never synced as a whole, so it was never announced either.
  for (const line of text.split('\n').slice(0, -1)) {
    const record = parseLine(line);
    if (record !== undefined) records.push(record);
  }
  return records;
}

const provenances: readonly string[] = ['waited', 'pidfd', 'journal', 'unknown'] satisfies Provenance[];

function parseLine(line: string): JournaledExit | undefined {
  const value = parseObject(line);
  if (value === undefined) return undefined;
  const { sequence, container, exec, pid, status, signal, time, provenance, oomKilled } = value;
  if (!isCount(sequence) || !isCount(pid) || !isCount(status) || !isCount(signal)) return undefined;
  if (typeof container !== 'string' || typeof exec !== 'string' || typeof oomKilled !== 'boolean') return undefined;
  if (typeof time !== 'string' || !/^\d+$/.test(time)) return undefined;
  if (typeof provenance !== 'string' || !provenances.includes(provenance)) return undefined;
  const told = provenance as Provenance;
  return {
    sequence: BigInt(sequence),
    containerId: container,
    execId: exec,
    exit: { pid, status, signal, exitedAt: BigInt(time), provenance: told, oomKilled },
  };
}

type JournalLine = Partial<
  Record<'sequence' | 'container' | 'exec' | 'pid' | 'status' | 'signal' | 'time' | 'provenance' | 'oomKilled', unknown>
>;

function parseObject(line: string): JournalLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
