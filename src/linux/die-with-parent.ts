// For a process that is of no use without the one that has forked it.
import { setProcessOption } from './prctl.js';

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** From now on; at once where `parent` has ended already. */
export function dieWithParent(parent: number): void {
  setProcessOption(PR_SET_PDEATHSIG, SIGKILL);
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}
