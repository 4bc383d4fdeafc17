// Makes moves of processes between control groups quick. The kernel guards them with one lock for all: whoever takes it
// first in a while waits for an RCU grace period, 5 to 20 ms in which nothing is done; whoever comes within the next
// milliseconds does not (rcu_sync_enter in the kernel's kernel/rcu/sync.c). A runtime that makes a process moves it once it
// has started up. So meanwhile the lock is taken for it, by moves of the runtime, which nobody else moves, to where it is.
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMounts, directoryOf } from './cgroup.js';
import { readProcessCgroups } from './process-info.js';

/** Half of the time for which Linux 6.18 was seen to stay ready. */
const repeatMs = 5;
/** 200 ms: the runtime has made its moves by then, or the machine is so busy that this wait is the least of it. */
const mostRepeats = 40;

/** Where the group of that path is. A shim finds what its zygote has found. */
let known = { path: '', directory: '' };

/** Keeps moves quick until `ended`, for 200 ms at most. `pid` is of a child that runs in this process's groups. */
export function hastenMigrations({ pid, ended }: { readonly pid: number; readonly ended: Promise<unknown> }): void {
  let repeats = 0;
  let timer = setTimeout(repeat, 0);
  void ended.then(() => {
    clearTimeout(timer);
  });
  function repeat(): void {
    if (takeLock(pid) && ++repeats < mostRepeats) timer = setTimeout(repeat, repeatMs);
  }
}

/** False where there are no control groups, or none that this process may write to: then moves wait as they always did. */
function takeLock(pid: number): boolean {
  const directory = ownDirectory();
  if (directory === undefined) return false;
  try {
    const file = openSync(join(directory, 'cgroup.procs'), 'w');
    try {
      writeSync(file, String(pid));
    } finally {
      closeSync(file);
    }
    return true;
  } catch {
    return false;
  }
}

function ownDirectory(): string | undefined {
  const [member] = readProcessCgroups('self') ?? [];
  if (member === undefined) return undefined;
  if (known.path !== member.path) {
    const directory = directoryOf(member, member.controllers[0], cgroupMounts());
    if (directory === undefined) return undefined;
    known = { path: member.path, directory };
  }
  return known.directory;
}
