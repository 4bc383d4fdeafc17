// A kept exit as `berth exits` prints it.
import type { ExitRecord } from '../generated/berth/v1/exits.js';
import { Provenance } from '../generated/berth/v1/provenance.js';
import { formatAge } from './age.js';
import { type Json, jsonFromTimestamp } from './json-value.js';
import { signalName } from './parse/signal.js';

export const exitHeaders = ['CONTAINER', 'EXEC', 'PID', 'STATUS', 'SIGNAL', 'OOM', 'AGE', 'LEARNT'];

const provenances = {
  [Provenance.UNSPECIFIED]: 'unspecified',
  [Provenance.WAITED]: 'waited',
  [Provenance.PIDFD]: 'pidfd',
  [Provenance.JOURNAL]: 'journal',
  [Provenance.UNKNOWN]: 'unknown',
  [Provenance.SHIM]: 'shim',
} as const satisfies Record<Provenance, string>;

/** A status that nobody has measured is shown as none. */
export function exitCells(exit: ExitRecord, now = Date.now()): string[] {
  const learnt = provenanceName(exit.provenance);
  return [
    exit.containerId,
    exit.execId,
    String(exit.pid),
    learnt === 'unknown' ? 'unknown' : String(exit.exitStatus),
    exit.signal === 0 ? '' : signalName(exit.signal),
    exit.oomKilled ? 'yes' : '',
    exit.exitedAt === undefined ? '' : formatAge(now / 1000 - Number(exit.exitedAt.seconds)),
    learnt,
  ];
}

export function exitJson(exit: ExitRecord): Json {
  const { namespace, containerId, execId, pid, signal, oomKilled } = exit;
  const provenance = provenanceName(exit.provenance);
  const exitStatus = provenance === 'unknown' ? null : exit.exitStatus;
  const exitedAt = jsonFromTimestamp(exit.exitedAt);
  return { namespace, containerId, execId, pid, exitStatus, signal, exitedAt, oomKilled, provenance };
}

function provenanceName(provenance: Provenance): string {
  const known: Readonly<Record<number, string>> = provenances;
  return known[provenance] ?? 'unspecified';
}
