// A task whose shim has died: exits that the shim had written down are taken from its journal; what still runs is ended,
// since nobody could serve it any more; and the kernel is asked for the statuses that nobody measured.
import { closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeadlineError, poll } from '../base/deadline.js';
import { type ProcessExit, unknownExitStatus } from '../domain/exit.js';
import { exitJournalName, parseExitJournal } from '../domain/exit-journal.js';
import type { ProcessRecord } from '../domain/records.js';
import { nowNanos } from '../domain/time.js';
import { isSystemError } from '../linux/libc.js';
import { openPidfd, readPidfdExit, signalPidfd } from '../linux/pidfd.js';
import { readProcessStat } from '../linux/process-info.js';
import { waitPid } from '../linux/wait.js';
import type { LiveTask } from './live-tasks.js';
import { commitExit } from './record-exit.js';
import { deleteRuntimeState } from './runtime-state.js';
import type { Supervisor } from './supervisor.js';

const SIGKILL = 9;
/** A killed process may take a while to end, in uninterruptible sleep for instance. */
const orphanEndTimeoutMs = 10_000;
const orphanPollMs = 20;

export async function settleOrphan(supervisor: Supervisor, task: LiveTask): Promise<void> {
  const { namespace, id } = task.record;
  const log = supervisor.log.child({ namespace, containerId: id });
  await takeJournaledExits(supervisor, task);
  const { init } = task.record;
  const initExit = init.state === 'stopped' ? undefined : await endInit(task, init);
  for (const exec of Object.values(task.record.execs)) {
    if (exec.state === 'stopped' || exec.pid === 0) continue;
    await commit(supervisor, task, exec, measuredExit(exec.pid) ?? unknownExit(exec.pid));
  }
  if (initExit !== undefined) {
    await commit(supervisor, task, init, initExit);
    log.warn('a shim has died with its container running: the container was ended', { ...initExit });
  }
  await deleteRuntimeState(supervisor, task.record).catch((error: unknown) => {
    log.warn('the runtime state of an orphan could not be deleted yet', { error });
  });
}

async function takeJournaledExits(supervisor: Supervisor, task: LiveTask): Promise<void> {
  const text = await readFile(join(task.record.bundle, exitJournalName), 'utf8').catch(() => '');
  for (const { sequence, execId, exit } of parseExitJournal(text)) {
    if (sequence <= task.record.shim.sequence) continue;
    await commitExit(supervisor, task, { execId, exit: { ...exit, provenance: 'journal' }, sequence });
  }
}

function commit(supervisor: Supervisor, task: LiveTask, process: ProcessRecord, exit: ProcessExit): Promise<void> {
  return commitExit(supervisor, task, { execId: process.execId, exit, sequence: task.record.shim.sequence });
}

/** Kills the init process, if it is still the one that was recorded, and finds out how it ended. */
async function endInit(task: LiveTask, init: ProcessRecord): Promise<ProcessExit> {
  const pidfd = pidfdOfInit(task);
  if (pidfd === undefined) return measuredExit(init.pid) ?? unknownExit(init.pid);
  try {
    signalPidfd(pidfd, SIGKILL);
    return await poll(() => measuredExit(init.pid, pidfd) ?? goneExit(task, init.pid), {
      limitMs: orphanEndTimeoutMs,
      intervalMs: orphanPollMs,
      what: `the end of process ${init.pid}`,
    });
  } catch (error) {
    if (error instanceof DeadlineError || isSystemError(error, 'ESRCH')) {
      return measuredExit(init.pid, pidfd) ?? unknownExit(init.pid);
    }
    throw error;
  } finally {
    closeSync(pidfd);
  }
}

/** Undefined unless the pid still names the process that was created. */
function pidfdOfInit({ record }: LiveTask): number | undefined {
  try {
    const pidfd = openPidfd(record.init.pid);
    if (readProcessStat(record.init.pid)?.startTime === record.initStartTime) return pidfd;
    closeSync(pidfd);
  } catch (error) {
    if (!isSystemError(error, 'ESRCH', 'EINVAL')) throw error;
  }
  return undefined;
}

/** From our own wait, if the process became our child when its shim died; else from the kernel by its pidfd. */
function measuredExit(pid: number, pidfd?: number): ProcessExit | undefined {
  try {
    const waited = waitPid(pid);
    return waited && { pid, ...waited, exitedAt: nowNanos(), provenance: 'waited', oomKilled: false };
  } catch (error) {
    if (!isSystemError(error, 'ECHILD')) throw error;
  }
  const told = pidfd === undefined ? undefined : readPidfdExit(pidfd);
  return told && { pid, ...told, exitedAt: nowNanos(), provenance: 'pidfd', oomKilled: false };
}

function goneExit({ record }: LiveTask, pid: number): ProcessExit | undefined {
  return readProcessStat(pid)?.startTime === record.initStartTime ? undefined : unknownExit(pid);
}

function unknownExit(pid: number): ProcessExit {
  return { pid, status: unknownExitStatus, signal: 0, exitedAt: nowNanos(), provenance: 'unknown', oomKilled: false };
}
