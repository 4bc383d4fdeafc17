// Processes found by where they work and what they run, for whoever clears up after one that may be gone already.
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { readProcessStat } from './process-info.js';

/** A zombie has ended; nobody has waited for it yet. */
export function isRunning(pid: number): boolean {
  const state = readProcessStat(pid)?.state;
  return state !== undefined && state !== 'Z';
}

/** The processes whose working directory is `directory`, a real path, or was until it was removed. */
export function processesIn(directory: string): number[] {
  const links = [directory, `${directory} (deleted)`];
  return processesAt((path) => links.includes(path));
}

/** The processes whose working directory is, or was, somewhere below `directory`, a real path. */
export function processesBelow(directory: string): number[] {
  return processesAt((path) => path.startsWith(`${directory}/`));
}

function processesAt(isMeant: (workingDirectory: string) => boolean): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => isMeant(linkOf(`/proc/${pid}/cwd`)) && isRunning(pid));
}

/** Whether it runs the program at `path`, a real path. */
export function runsProgram(pid: number, path: string): boolean {
  return linkOf(`/proc/${pid}/exe`) === path;
}

/** False from early in its ending on. */
export function hasProgram(pid: number): boolean {
  return linkOf(`/proc/${pid}/exe`) !== '';
}

/** By SIGKILL; one that has ended meanwhile is what was wanted. */
export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** The path itself where nothing is there. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
