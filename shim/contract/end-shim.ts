// Ends what may be left of a shim that containerd has given up: itself, where it hangs, and the runtime's calls it had begun.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProcessStat } from '../../src/linux/process-info.js';

/** One that is on its way out, having been told to shut down, gets so long. */
const politeMs = 500;
/** Of what does not die of SIGKILL nobody can wait for the end. */
const killTimeoutMs = 1000;
const pollMs = 10;

/** The shim leads a session and works in its bundle, and so do the runtime's calls; a container has a session of its own. */
export async function endShim(bundle: string): Promise<void> {
  const shimPid = Number(read('shim.pid'));
  if (!(shimPid > 1)) return;
  await waitWhile(() => isOfShim(shimPid, shimPid, bundle), politeMs);
  const living = (): number[] => pids().filter((pid) => isOfShim(pid, shimPid, bundle));
  for (const pid of living()) kill(pid);
  await waitWhile(() => living().length > 0, killTimeoutMs);
}

function isOfShim(pid: number, shimPid: number, bundle: string): boolean {
  const stat = readProcessStat(pid);
  if (stat === undefined || stat.session !== shimPid || stat.state === 'Z') return false;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === bundle;
  } catch {
    return false;
  }
}

async function waitWhile(condition: () => boolean, limitMs: number): Promise<void> {
  for (const end = performance.now() + limitMs; condition() && performance.now() < end; ) await sleep(pollMs);
}

function pids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
