// No process serves a bundle that is no task's, and no task is served twice.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { keyString } from '../../domain/ids.js';
import { readProcessStat } from '../../linux/process-info.js';
import type { Supervisor } from '../supervisor.js';
import type { Invariant, Problem } from './invariant.js';

export const shimsHaveTasks: Invariant = {
  name: 'shims-have-tasks',
  async *examine(supervisor) {
    for (const [pid, bundle] of processesInBundles(supervisor)) yield await problemOf(supervisor, pid, bundle);
  },
};

async function problemOf(supervisor: Supervisor, pid: number, bundle: string): Promise<Problem | undefined> {
  const key = { namespace: basename(dirname(bundle)), id: basename(bundle) };
  // A shim that is just adopting the container is nobody's yet.
  await supervisor.tasks.find(key)?.reaching;
  // In the container's queue: a task that is being created or deleted is not judged half-way.
  const shim = await supervisor.queue.run(keyString(key), async () => {
    return supervisor.tasks.find(key)?.record.shim;
  });
  // A foreign shim may serve several tasks, and works in the bundle of the first.
  const serves = supervisor.tasks.list().some(({ record }) => record.shim.pid === pid);
  if (serves || workingDirectory(pid) !== bundle) return undefined;
  const object = `pid ${pid}`;
  const message =
    shim === undefined ? `it works in ${bundle}, which is no task's` : `it serves ${bundle} beside ${shim.pid}`;
  return {
    object,
    message,
    remedy: 'berth check --repair kills it',
    repair: () => void process.kill(pid, 'SIGKILL'),
  };
}

/** A shim works in its bundle, and leads a session or has a shim's name; the runtime's short-lived processes do neither. */
function processesInBundles({ stateDirectory }: Supervisor): [number, string][] {
  const parent = join(stateDirectory, 'tasks');
  const found: [number, string][] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const directory = workingDirectory(pid);
    if (dirname(dirname(directory)) === parent && isShim(pid)) found.push([pid, directory]);
  }
  return found;
}

function isShim(pid: number): boolean {
  return readProcessStat(pid)?.session === pid || programOf(pid).startsWith('containerd-shim-');
}

/** By its command line: a shim's program may have been replaced since it was started. */
function programOf(pid: number): string {
  try {
    return basename(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '');
  } catch {
    return '';
  }
}

/** Empty when the process is gone. */
function workingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
