// A shim has died. What it had written down is taken from its journal; a container that still runs is adopted by a new
// shim; one that has ended is settled with what the kernel still tells.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '../base/failpoint.js';
import { BerthError } from '../domain/errors.js';
import { UndoStack } from '../base/undo-stack.js';
import type { ProcessExit } from '../domain/exit.js';
import type { ProcessState } from '../domain/process-state.js';
import { exitJournalName, parseJournal } from '../domain/exit-journal.js';
import { keyString } from '../domain/ids.js';
import type { ProcessRecord, TaskRecord } from '../domain/records.js';
import type { AdoptedProcess } from '../generated/berth/shim/v1/shim.js';
import { Status } from '../generated/containerd/v1/types/task.js';
import { isRunning } from '../linux/known-process.js';
import { readProcessStat } from '../linux/process-info.js';
import { killShimRemains } from '../shims/shim-remains.js';
import { Shim } from '../shims/shim.js';
import { commitTask } from './commit-task.js';
import { taskStarted } from './event-drafts.js';
import type { LiveTask } from './live-tasks.js';
import { commitExit } from './record-exit.js';
import { recordOutOfMemory } from './record-out-of-memory.js';
import { settleEnds, settleExecs } from './settle-ends.js';
import { endShim } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { steppedInit } from './task-record.js';
import { anyFromTyped, timestampFromNanos } from './wire-values.js';

/** In a row: the new shim may die too. */
const adoptAttempts = 5;

/**
 * The shim that serves the container from now on; undefined when there is nothing left to serve. `unavailable` when none can be
 * had for now, on a full disk for instance: the container runs on, and what it says waits in its pipes.
 */
export async function replaceShim(supervisor: Supervisor, task: LiveTask): Promise<Shim | undefined> {
  const { namespace, id } = task.record;
  const { closing } = supervisor;
  const log = supervisor.log.child({ namespace, containerId: id });
  await takeJournal(supervisor, task);
  failpoint('adopt.journal-taken');
  for (let attempt = 1; attempt <= adoptAttempts && isAlive(task.record) && !closing.aborted; attempt++) {
    try {
      const shim = await adopt(supervisor, task);
      log.warn('a shim has died: its container was adopted by a new one', { shimPid: shim.identity.pid });
      return shim;
    } catch (error) {
      log.error('a container whose shim has died could not be adopted', { attempt, error });
    }
  }
  if (isAlive(task.record))
    throw new BerthError('unavailable', `container ${id} runs on: no shim can be had for it yet`);
  await settleEnds(supervisor, task);
  return undefined;
}

async function takeJournal(supervisor: Supervisor, task: LiveTask): Promise<void> {
  const text = await readFile(join(task.record.bundle, exitJournalName), 'utf8').catch(() => '');
  for (const record of parseJournal(text)) {
    if (record.sequence <= task.record.shim.sequence) continue;
    if ('exit' in record) {
      const exit: ProcessExit = { ...record.exit, provenance: 'journal' };
      await commitExit(supervisor, task, { execId: record.execId, exit, sequence: record.sequence });
    } else {
      await recordOutOfMemory(supervisor, task, record.sequence);
    }
  }
}

function isAlive({ init, initStartTime }: TaskRecord): boolean {
  return init.state !== 'stopped' && isRunning(init.pid) && readProcessStat(init.pid)?.startTime === initStartTime;
}

async function adopt(supervisor: Supervisor, task: LiveTask): Promise<Shim> {
  const { namespace, id, bundle, runtime, shim: dead } = task.record;
  await killShimRemains(bundle, dead.pid);
  await settleExecs(supervisor, task, ({ pid }) => !isRunning(pid));
  await using undo = new UndoStack();
  // Its lines are committed, and the new shim numbers from 1.
  await rm(join(bundle, exitJournalName), { force: true });
  const identity = await supervisor.launcher.launch({ namespace, id, bundle, debug: false });
  failpoint('adopt.shim-launched');
  const shim = await Shim.connectTo(bundle, identity);
  undo.push(() => endShim(supervisor, shim, task.record, bundle));
  const taken = new Set<string>();
  await supervisor.queue.run(keyString(task.record), async () => {
    const known = withoutUnstarted(task.record);
    const request = { options: anyFromTyped(runtime.options), processes: processesOf(known) };
    const processes = await shim.adopt(request);
    failpoint('adopt.taken-over');
    const [init] = processes;
    for (const { execId } of processes) taken.add(execId);
    const adopted = { ...known, shim: { ...shim.identity, sequence: 0n } };
    // The dead shim had started it, and did not live to say so.
    if (known.init.state === 'created' && init?.status === Status.RUNNING) {
      await commitTask(supervisor, task, steppedInit(adopted, 'start'), [taskStarted(known, known.init.pid)]);
    } else await commitTask(supervisor, task, adopted, []);
  });
  undo.disarm();
  failpoint('adopt.committed');
  // What ended before the new shim could take hold of it, that shim knows nothing of.
  await settleExecs(supervisor, task, ({ execId }) => !taken.has(execId));
  return shim;
}

/** What an exec would run was known to the dead shim alone: who added it finds it gone, and adds it again. */
function withoutUnstarted(record: TaskRecord): TaskRecord {
  const execs = Object.entries(record.execs).filter(([, exec]) => exec.state !== 'created');
  return { ...record, execs: Object.fromEntries(execs) };
}

function processesOf(record: TaskRecord): AdoptedProcess[] {
  const init = { ...adoptedProcess(record.init), startTime: record.initStartTime };
  return [init, ...Object.values(record.execs).map(adoptedProcess)];
}

const statusOf = {
  created: Status.CREATED,
  running: Status.RUNNING,
  pausing: Status.PAUSED,
  paused: Status.PAUSED,
  stopped: Status.STOPPED,
} as const satisfies Record<ProcessState, Status>;

function adoptedProcess(process: ProcessRecord): AdoptedProcess {
  const { execId, pid, state, stdio } = process;
  const exit = process.state === 'stopped' ? process.exit : undefined;
  return {
    execId,
    pid,
    startTime: 0n,
    status: statusOf[state],
    ...stdio,
    exitStatus: exit?.status ?? 0,
    exitedAt: timestampFromNanos(exit?.exitedAt ?? 0n),
  };
}
