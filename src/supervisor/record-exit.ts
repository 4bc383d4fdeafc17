// Commits one exit: record, task state and event in one batch, exactly once.
import { failpoint } from '../base/failpoint.js';
import type { ProcessExit as ExitRecord, Provenance } from '../domain/exit.js';
import { keyString } from '../domain/ids.js';
import type { ProcessExit, ShimEvent } from '../generated/berth/shim/v1/shim.js';
import { Provenance as WireProvenance } from '../generated/berth/v1/provenance.js';
import { commitTask } from './commit-task.js';
import { processExited } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import type { Supervisor } from './supervisor.js';
import { stopped, withProcess, withSequence } from './task-record.js';
import { nanosFromTimestamp } from './wire-values.js';

export async function recordExit(
  supervisor: Supervisor,
  task: LiveTask,
  event: ShimEvent,
  wire: ProcessExit,
): Promise<void> {
  // The process may have ended before its start was answered: the start is committed first, or has failed.
  await task.starting.get(wire.execId)?.catch(() => undefined);
  const exit: ExitRecord = {
    pid: wire.pid,
    status: wire.exitStatus,
    signal: wire.signal,
    exitedAt: nanosFromTimestamp(event.time),
    provenance: provenanceFromWire[wire.provenance],
    oomKilled: wire.oomKilled,
  };
  await commitExit(supervisor, task, { execId: wire.execId, exit, sequence: event.sequence });
}

export interface ExitToCommit {
  readonly execId: string;
  readonly exit: ExitRecord;
  /** The shim's sequence that this exit brings the record to. */
  readonly sequence: bigint;
}

/** A process that is already stopped, or deleted, only moves the sequence on. */
export function commitExit(
  supervisor: Supervisor,
  task: LiveTask,
  { execId, exit, sequence }: ExitToCommit,
): Promise<void> {
  return supervisor.queue.run(keyString(task.record), async () => {
    if (supervisor.tasks.find(task.record) !== task) return;
    const process = execId === '' ? task.record.init : task.record.execs[execId];
    const next = withSequence(task.record, sequence);
    if (process === undefined || process.state === 'stopped') {
      await commitTask(supervisor, task, next, []);
      return;
    }
    const ended = withProcess(next, stopped(process, exit));
    const { namespace, id } = ended;
    const record = { namespace, id, execId, shimSequence: sequence, ...exit };
    const kept = supervisor.store.exits.put(record, record);
    failpoint('exit.told');
    await commitTask(supervisor, task, ended, [processExited(ended, execId, exit)], [kept]);
    failpoint('exit.committed');
    task.announceExit(execId, exit);
  });
}

const provenanceFromWire = {
  [WireProvenance.UNSPECIFIED]: 'unknown',
  [WireProvenance.WAITED]: 'waited',
  [WireProvenance.PIDFD]: 'pidfd',
  [WireProvenance.JOURNAL]: 'journal',
  [WireProvenance.UNKNOWN]: 'unknown',
  [WireProvenance.SHIM]: 'shim',
} as const satisfies Record<WireProvenance, Provenance>;
