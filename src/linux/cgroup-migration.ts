// Makes moves of processes between control groups quick. The kernel guards them with one lock for all, and whoever takes it
// first in a while waits for an RCU grace period, 5 to 20 ms in which nothing is done; whoever comes within the next
// milliseconds does not (rcu_sync_enter in the kernel's kernel/rcu/sync.c). A runtime that makes a process moves it once it
// has started up. So meanwhile the lock is taken for it, by moves of the runtime, which nobody else moves, to where it is.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMounts, directoryOf } from './cgroup.js';
import { readProcessCgroups } from './process-info.js';

/** Half of the time for which Linux 6.18 was seen to stay ready. */
const repeatMs = 5;
/** 200 ms: the runtime has made its moves by then, or the machine is so busy that this wait is the least of it. */
const mostRepeats = 40;

/** Where the group of that path is. A shim finds what its zygote has found. */
let known = { path: '', directory: '' };
/** As the kernel was at the first call. A shim finds what its zygote has found. */
let knownToWait: boolean | undefined;

/**
 * Keeps moves quick until `ended`, for 200 ms at most, where they would wait. `pid` is of a child that runs in this process's
 * groups.
 */
export function hastenMigrations(
  { pid, ended }: { readonly pid: number; readonly ended: Promise<unknown> },
  wouldWait = movesWait(),
): void {
  if (!wouldWait) return;
  let processes: string | undefined;
  let repeats = 0;
  let timer = setTimeout(repeat, 0);
  void ended.then(() => {
    clearTimeout(timer);
  });
  function repeat(): void {
    try {
      takeLock(pid, (processes ??= join(ownDirectory(), 'cgroup.procs')));
    } catch {
      // There are no control groups, or none that this process may write to: then moves wait as they always did.
      return;
    }
    if (++repeats < mostRepeats) timer = setTimeout(repeat, repeatMs);
  }
}

function movesWait(): boolean {
  return (knownToWait ??= waitsForGracePeriods('/sys/kernel'));
}

/**
 * Whether who waits for an RCU grace period waits for its natural end: an expedited one takes 0.2 ms. `directory` is the kernel's
 * in sysfs (rcu_expedited and rcu_normal, the stronger, in its kernel/rcu/update.c).
 */
export function waitsForGracePeriods(directory: string): boolean {
  const isSet = (name: string): boolean | undefined => {
    try {
      return readFileSync(join(directory, name), 'utf8').trim() !== '0';
    } catch {
      return undefined;
    }
  };
  return isSet('rcu_normal') === true || isSet('rcu_expedited') === false;
}

function takeLock(pid: number, processes: string): void {
  const file = openSync(processes, 'w');
  try {
    writeSync(file, String(pid));
  } finally {
    closeSync(file);
  }
}

function ownDirectory(): string {
  const [member] = readProcessCgroups('self') ?? [];
  if (member === undefined) throw new Error('this process has no control group');
  if (known.path !== member.path) {
    const directory = directoryOf(member, member.controllers[0], cgroupMounts());
    if (directory === undefined) throw new Error(`the control group ${member.path} is not mounted here`);
    known = { path: member.path, directory };
  }
  return known.directory;
}
