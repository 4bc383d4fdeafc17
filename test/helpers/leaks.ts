// The check after every test: nothing that belongs to the test's daemon is left on the host, and if it is, it goes.
import { spawnSync } from 'node:child_process';
import { existsSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../src/base/deadline.js';
import { readProcessStat } from '../../src/linux/process-info.js';
import {
  findCgroups,
  findMounts,
  findProcesses,
  findSockets,
  hasEnded,
  type HostProcess,
  namespaceCgroups,
  type TestScope,
} from './host-state.js';
import { runProgram } from './program.js';

/** What the daemon itself holds while it runs. */
export interface Baseline {
  readonly pids: ReadonlySet<number>;
  readonly sockets: ReadonlySet<string>;
}

const emptyBaseline: Baseline = { pids: new Set(), sockets: new Set() };

/** Exits are cleaned up a moment after a client got its answer; a zygote starts in several seconds on a busy machine. */
const settleLimitMs = 20_000;

const abandonRounds = 50;
const abandonRoundMs = 20;

export function takeBaseline(scope: TestScope): Baseline {
  return {
    pids: new Set(findProcesses(scope).map((found) => found.pid)),
    sockets: new Set(findSockets(scope)),
  };
}

/**
 * The list of what is left beyond `baseline` and of what `records` finds, once it is empty or has had time to become
 * so.
 */
export async function waitForNoLeaks(
  scope: TestScope,
  baseline: Baseline = emptyBaseline,
  records: () => Promise<string[]> = async () => [],
  limitMs = settleLimitMs,
): Promise<string[]> {
  let leaks: string[] = [];
  await poll(
    async () => {
      leaks = [...findLeaks(scope, baseline), ...(await records())];
      return leaks.length === 0 ? true : undefined;
    },
    { limitMs, intervalMs: 20, what: 'no leaks' },
  ).catch(() => undefined);
  return leaks;
}

function findLeaks(scope: TestScope, baseline: Baseline): string[] {
  const processes = strangers(scope, baseline);
  const sockets = findSockets(scope).filter((path) => !baseline.sockets.has(path));
  return [
    ...processes.map((found) => `process ${found.pid}: ${found.command}`),
    ...findMounts(scope).map((point) => `mount ${point}`),
    ...findCgroups(scope).map((path) => `cgroup ${path}`),
    ...sockets.map((path) => `socket ${path}`),
  ];
}

/** Processes that are not of the baseline; the one shim that a zygote of the baseline has forked ahead is part of the zygote. */
function strangers(scope: TestScope, baseline: Baseline): HostProcess[] {
  const found = findProcesses(scope).filter(({ pid }) => !baseline.pids.has(pid));
  const ahead = found.find(({ pid, command }) => {
    return command.startsWith('berth-zygote') && baseline.pids.has(readProcessStat(pid)?.parentPid ?? 0);
  });
  return found.filter((process) => process !== ahead);
}

/** Kills, unmounts and removes everything in `scope` but the processes of `baseline`. */
export async function cleanUp(scope: TestScope, baseline: Baseline = emptyBaseline): Promise<void> {
  const doomed = () => strangers(scope, baseline);
  await poll(
    () => {
      const left = doomed();
      for (const { pid } of left) kill(pid);
      thaw(scope);
      return left.every(({ pid }) => hasEnded(pid)) ? true : undefined;
    },
    { limitMs: settleLimitMs, intervalMs: 20, what: `the processes of ${scope.directory} to end` },
  );
  for (const point of findMounts(scope).reverse()) await runProgram('umount', ['--lazy', point]);
  for (const path of [...findCgroups(scope), ...namespaceCgroups(scope)]) removeCgroup(path);
}

/** The same at once and without waiting for anything: for the end of a test process that nobody lets finish. */
export function cleanUpNow(scope: TestScope): void {
  // A process that is ending may have started another; what still is there after a few rounds does not die of SIGKILL.
  for (let round = 0; round < abandonRounds; round++) {
    const left = findProcesses(scope);
    if (left.length === 0) break;
    for (const { pid } of left) kill(pid);
    thaw(scope);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, abandonRoundMs);
  }
  for (const point of findMounts(scope).reverse()) spawnSync('umount', ['--lazy', point]);
  for (const path of [...findCgroups(scope), ...namespaceCgroups(scope)]) removeCgroup(path);
  if (findMounts(scope).length === 0) rmSync(scope.directory, { recursive: true, force: true });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

/** On cgroup v1 a process of a paused container does not die before its group is thawed. */
function thaw(scope: TestScope): void {
  for (const path of findCgroups(scope)) {
    const state = join(path, 'freezer.state');
    if (existsSync(state)) writeFileSync(state, 'THAWED');
  }
}

function removeCgroup(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Busy for a moment, or gone with its container; what stays shows up in the next check.
  }
}
