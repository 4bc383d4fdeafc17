// What a foreign shim may leave when it ends: its process where it hangs, and its socket, which lies outside the bundle.
import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { isRunning, killIfThere, processesIn, realPathOf, runsProgram } from '../../linux/known-process.js';
import type { ShimEndpoint } from '../../domain/records.js';
import type { ShimIdentity } from '../task-shim.js';
import { socketPath } from './bootstrap.js';
import { processName } from './foreign-shim.js';

/** Kills the shim unless its pid names another process by now. */
export function killForeignShim({ pid, shimId }: ShimIdentity): void {
  if (pid > 0 && isRunning(pid) && processName(pid) === shimId) killIfThere(pid);
}

/** Kills every process of the shim's program that works in the bundle, and returns how many there were. */
export function killShimsIn(bundle: string, binary: string): number {
  const program = realPathOf(binary);
  const found = processesIn(realPathOf(bundle)).filter((pid) => runsProgram(pid, program));
  for (const pid of found) killIfThere(pid);
  return found.length;
}

/** Removes the socket of a dead shim; one on which somebody serves stays. */
export async function removeDeadSocket(endpoint: ShimEndpoint | undefined): Promise<void> {
  if (endpoint === undefined) return;
  const path = socketPath(endpoint);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true || (await isServed(path))) return;
  try {
    unlinkSync(path);
  } catch {
    // Its next shim was quicker.
  }
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
