// One task's bond with its shim, as a loop: connect, take its events, and when the connection ends connect again; once
// the shim is dead, settle what it has left.
import { setTimeout as sleep } from 'node:timers/promises';
import { readProcessStat } from '../linux/process-info.js';
import { Shim } from '../shims/shim.js';
import type { LiveTask } from './live-tasks.js';
import { reconcileInBackground } from './reconcile-pause.js';
import { replaceShim } from './replace-shim.js';
import { killShim } from './shim-calls.js';
import type { Supervisor } from './supervisor.js';
import { takeShimEvent } from './take-shim-event.js';

/** Attempts to reach a shim whose process is alive; with the pauses between them about five seconds. */
const connectAttempts = 10;
const connectPauseMs = 500;

export function watchInBackground(supervisor: Supervisor, task: LiveTask, connected?: Shim): void {
  void watchShim(supervisor, task, connected).catch((error: unknown) => {
    const { namespace, id } = task.record;
    supervisor.log.error('a task could not be settled', { namespace, containerId: id, error });
  });
}

/** Ends when the task is deleted, the daemon stops, or the shim has died and left nothing to serve. */
export async function watchShim(supervisor: Supervisor, task: LiveTask, connected?: Shim): Promise<void> {
  let shim = connected ?? (await reachShim(supervisor, task));
  while (shim !== undefined) {
    task.shim = shim;
    reconcileInBackground(supervisor, task);
    await follow(supervisor, task, shim);
    if (supervisor.closing.aborted || task.shim !== shim) return;
    const { namespace, id } = task.record;
    supervisor.log.warn('the connection to a shim was lost', { namespace, containerId: id, pid: shim.identity.pid });
    task.shim = undefined;
    await shim.close();
    shim = await reachShim(supervisor, task);
  }
}

async function follow(supervisor: Supervisor, task: LiveTask, shim: Shim): Promise<void> {
  try {
    await shim.follow(task.record.shim.sequence, (event) => takeShimEvent(supervisor, task, event));
  } catch (error) {
    const { namespace, id } = task.record;
    supervisor.log.debug('the event stream of a shim has ended', { namespace, containerId: id, error });
  }
}

/** The shim, connected to again or replaced; calls for the task wait until that is decided. */
function reachShim(supervisor: Supervisor, task: LiveTask): Promise<Shim | undefined> {
  const reached = reachOrReplace(supervisor, task).finally(() => {
    task.reaching = undefined;
  });
  task.reaching = reached.catch(() => undefined);
  return reached;
}

async function reachOrReplace(supervisor: Supervisor, task: LiveTask): Promise<Shim | undefined> {
  const shim = (await tryToConnect(supervisor, task)) ?? (await replaceDead(supervisor, task));
  task.shim = shim;
  return shim;
}

async function replaceDead(supervisor: Supervisor, task: LiveTask): Promise<Shim | undefined> {
  if (supervisor.closing.aborted) return undefined;
  const { shim, bundle } = task.record;
  // It lives and does not answer in any of the attempts: two shims must not serve one container.
  killShim(shim.pid, bundle);
  return replaceShim(supervisor, task);
}

/** Undefined when the shim is dead, or does not answer in any of the attempts. */
async function tryToConnect({ closing }: Supervisor, { record }: LiveTask): Promise<Shim | undefined> {
  for (let attempt = 1; attempt <= connectAttempts && !closing.aborted; attempt++) {
    const shim = await Shim.connect(record.bundle).catch(() => undefined);
    if (shim?.identity.shimId === record.shim.shimId) return shim;
    await shim?.close();
    if (isGone(record.shim.pid)) return undefined;
    await sleep(connectPauseMs);
  }
  return undefined;
}

function isGone(pid: number): boolean {
  const state = readProcessStat(pid)?.state;
  return state === undefined || state === 'Z';
}
