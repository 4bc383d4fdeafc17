// One task's bond with its shim, as a loop: connect, take its events, and when the connection ends connect again; once
// the shim is dead, settle what it has left.
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../linux/known-process.js';
import type { TaskShim } from '../shims/task-shim.js';
import { catchUpWithStarts } from './catch-up-starts.js';
import type { LiveTask } from './live-tasks.js';
import { reconcileInBackground } from './reconcile-pause.js';
import { shimKindOf } from './shim-kind.js';
import type { Supervisor } from './supervisor.js';
import { takeShimEvent } from './take-shim-event.js';

/** Attempts to reach a shim whose process is alive; with the pauses between them about five seconds. */
const connectAttempts = 10;
const connectPauseMs = 500;
/** One that takes connections and says nothing costs each attempt five seconds: it has two, and has hung. */
const reachTimeoutMs = 8000;

/** After a good while a lost shim is looked for at once; else after a pause that doubles from the first to the longest. */
const firstPauseMs = 50;
const longestPauseMs = 5000;
const goodWhileMs = 1000;

export function watchInBackground(supervisor: Supervisor, task: LiveTask, connected?: TaskShim): void {
  void watchShim(supervisor, task, connected).catch((error: unknown) => {
    const { namespace, id } = task.record;
    supervisor.log.error('a task is watched no longer', { namespace, containerId: id, error });
  });
}

/** Ends when the task is deleted, the daemon stops, or the shim has died and left nothing to serve. */
async function watchShim(supervisor: Supervisor, task: LiveTask, connected?: TaskShim): Promise<void> {
  let pauseMs = firstPauseMs;
  for (let shim = connected; ; shim = undefined) {
    const since = performance.now();
    const bond = await holdBond(supervisor, task, shim);
    if (bond === 'over' || supervisor.closing.aborted || supervisor.tasks.find(task.record) !== task) return;
    if (bond === 'lost' && performance.now() - since > goodWhileMs) {
      pauseMs = firstPauseMs;
      continue;
    }
    // What cannot be committed now (a full disk) is sent again and again until it can.
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

/**
 * Takes the events of the shim, once it is reached, until the connection ends. `unsettled`: no shim could be had for now, or
 * what a dead one has left not be recorded. `over`: there is nothing left to watch.
 */
async function holdBond(
  supervisor: Supervisor,
  task: LiveTask,
  connected?: TaskShim,
): Promise<'lost' | 'unsettled' | 'over'> {
  const { namespace, id } = task.record;
  const log = supervisor.log.child({ namespace, containerId: id });
  try {
    const shim = connected ?? (await reachShim(supervisor, task));
    if (shim === undefined) return 'over';
    task.shim = shim;
    reconcileInBackground(supervisor, task);
    await follow(supervisor, task, shim);
    if (supervisor.closing.aborted || task.shim !== shim) return 'over';
    log.warn('the connection to a shim was lost', { pid: shim.identity.pid });
    task.shim = undefined;
    // Not awaited: a call that comes meanwhile is to find that the shim is being looked for.
    void shim.close();
    return 'lost';
  } catch (error) {
    log.error('a task could not be settled yet', { error });
    return 'unsettled';
  }
}

async function follow(supervisor: Supervisor, task: LiveTask, shim: TaskShim): Promise<void> {
  try {
    await shim.follow(
      () => task.record,
      (event) => takeShimEvent(supervisor, task, event),
    );
  } catch (error) {
    const { namespace, id } = task.record;
    supervisor.log.debug('the event stream of a shim has ended', { namespace, containerId: id, error });
  }
}

/** The shim, connected to again or replaced; calls for the task wait until that is decided. */
function reachShim(supervisor: Supervisor, task: LiveTask): Promise<TaskShim | undefined> {
  const reached = reachOrReplace(supervisor, task).finally(() => {
    task.reaching = undefined;
  });
  task.reaching = reached.catch(() => undefined);
  return reached;
}

async function reachOrReplace(supervisor: Supervisor, task: LiveTask): Promise<TaskShim | undefined> {
  const alive = await tryToConnect(supervisor, task);
  if (alive !== undefined) await catchUpWithStarts(supervisor, task, alive);
  const shim = alive ?? (await replaceDead(supervisor, task));
  task.shim = shim;
  return shim;
}

async function replaceDead(supervisor: Supervisor, task: LiveTask): Promise<TaskShim | undefined> {
  if (supervisor.closing.aborted) return undefined;
  const { shim, bundle, runtime } = task.record;
  const kind = shimKindOf(supervisor, runtime);
  // It lives and does not answer in any of the attempts: two shims must not serve one container.
  kind.kill(shim, bundle);
  return kind.replace(supervisor, task);
}

/** Undefined when the shim is dead, or does not answer in any of the attempts. */
async function tryToConnect(supervisor: Supervisor, { record }: LiveTask): Promise<TaskShim | undefined> {
  const kind = shimKindOf(supervisor, record.runtime);
  const end = performance.now() + reachTimeoutMs;
  for (let attempt = 1; attempt <= connectAttempts && performance.now() < end; attempt++) {
    if (supervisor.closing.aborted) return undefined;
    const shim = await kind.connect(supervisor, record).catch(() => undefined);
    if (shim?.identity.shimId === record.shim.shimId) return shim;
    await shim?.close();
    if (!isRunning(record.shim.pid)) return undefined;
    await sleep(connectPauseMs);
  }
  return undefined;
}
