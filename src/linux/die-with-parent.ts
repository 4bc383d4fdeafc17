// For a process that is of no use without the one that has forked it.
import { bindLibc, check } from './libc.js';

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

const prctl = bindLibc('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');

/** From now on; at once where `parent` has ended already. */
export function dieWithParent(parent: number): void {
  check('prctl', prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}
