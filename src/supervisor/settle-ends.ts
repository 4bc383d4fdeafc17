// The ends of processes whose shim is gone: measured where the kernel still tells, by our own wait or by pidfd, and
// recorded as unknown where nobody can tell any more.
import { DeadlineError, poll } from '../base/deadline.js';
import { type ProcessExit, unknownExitStatus } from '../domain/exit.js';
import { keyString } from '../domain/ids.js';
import type { ProcessRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { endByPidfd } from '../linux/pidfd.js';
import type { LiveTask } from './live-tasks.js';
import type { OrphanReaper } from './orphan-reaper.js';
import { commitExit } from './record-exit.js';
import { shimKindOf } from './shim-kind.js';
import { signalInit } from './signal-past-shim.js';
import type { Supervisor } from './supervisor.js';

const SIGKILL = 9;
/** A killed process may take a while to end, in uninterruptible sleep for instance. */
const endTimeoutMs = 10_000;
const endPollMs = 20;
/** How long the news of an orphan's end may take to come down from another subreaper. */
const orphanNewsTimeoutMs = 500;

/** Ends init if it still runs, and records the end of every process that has none. Execs first, init last. */
export async function settleEnds(supervisor: Supervisor, task: LiveTask): Promise<void> {
  const { init } = task.record;
  const initExit = init.state === 'stopped' ? undefined : await endOfInit(supervisor, task);
  await settleExecs(supervisor, task, () => true);
  if (initExit === undefined) return;
  await commit(supervisor, task, init, initExit);
  const { namespace, id } = task.record;
  const log = supervisor.log.child({ namespace, containerId: id });
  log.warn('the end of a container without its shim was settled', { ...initExit });
  const kind = shimKindOf(supervisor, task.record.runtime);
  await supervisor.queue.run(keyString(task.record), async () => {
    // Deleted meanwhile: what is in the bundle by now, with a shim of its own, is another of the same name.
    if (supervisor.tasks.find(task.record) !== task) return;
    await kind.deleteContainer(supervisor, task.record).catch((error: unknown) => {
      log.warn('the runtime state of a container without its shim could not be deleted yet', { error });
    });
  });
}

/** Records the end of every exec that was started, has no exit, and has `ended`. */
export async function settleExecs(
  supervisor: Supervisor,
  task: LiveTask,
  ended: (exec: ProcessRecord) => boolean,
): Promise<void> {
  for (const exec of Object.values(task.record.execs)) {
    if (exec.state === 'stopped' || exec.pid === 0 || !ended(exec)) continue;
    await commit(supervisor, task, exec, await endOfOrphan(supervisor.orphans, task, exec));
  }
}

/** What ran before the machine was restarted has ended, and nobody knows how. */
export async function settleAfterReboot(supervisor: Supervisor, task: LiveTask): Promise<void> {
  const { init, execs } = task.record;
  for (const process of [...Object.values(execs), init]) {
    if (process.state !== 'stopped' && process.pid !== 0) {
      await commit(supervisor, task, process, unknownExit(process.pid));
    }
  }
}

async function commit(
  supervisor: Supervisor,
  task: LiveTask,
  { execId, pid }: ProcessRecord,
  exit: ProcessExit,
): Promise<void> {
  await commitExit(supervisor, task, { execId, exit, sequence: task.record.shim.sequence });
  supervisor.orphans.forget(pid);
}

/** Kills init, if it is still the process that was recorded, and finds out how it ended. */
async function endOfInit({ orphans }: Supervisor, task: LiveTask): Promise<ProcessExit> {
  const { pid } = task.record.init;
  const isEnding = signalInit(task, SIGKILL);
  const pidfd = task.held.find('');
  const measured = () => waitedExit(orphans, pid) ?? (pidfd === undefined ? undefined : toldExit(pidfd, pid));
  try {
    const what = `the end of process ${pid}`;
    if (isEnding) return await poll(measured, { limitMs: endTimeoutMs, intervalMs: endPollMs, what });
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
  }
  return measured() ?? unknownExit(pid);
}

/** Whoever is above the dead shim hears of the end at the same time as we do, and tells us a moment later. */
async function endOfOrphan(
  orphans: OrphanReaper,
  task: LiveTask,
  { execId, pid }: ProcessRecord,
): Promise<ProcessExit> {
  const pidfd = task.held.find(execId);
  const told = () => waitedExit(orphans, pid) ?? (pidfd === undefined ? undefined : toldExit(pidfd, pid));
  const waited = poll(told, {
    limitMs: orphanNewsTimeoutMs,
    intervalMs: endPollMs,
    what: `news of process ${pid}`,
  });
  return waited.catch(() => unknownExit(pid));
}

/** It became a child of ours, or of somebody who told us, when its shim died. */
function waitedExit(orphans: OrphanReaper, pid: number): ProcessExit | undefined {
  orphans.sweep();
  const waited = orphans.find(pid);
  if (waited === undefined) return undefined;
  const { status, signal, endedAt } = waited;
  return { pid, status, signal, exitedAt: endedAt, provenance: 'waited', oomKilled: false };
}

function toldExit(pidfd: number, pid: number): ProcessExit | undefined {
  const told = endByPidfd(pidfd, pid);
  return told && { pid, ...told, exitedAt: nowNanos(), provenance: 'pidfd', oomKilled: false };
}

function unknownExit(pid: number): ProcessExit {
  return { pid, status: unknownExitStatus, signal: 0, exitedAt: nowNanos(), provenance: 'unknown', oomKilled: false };
}
