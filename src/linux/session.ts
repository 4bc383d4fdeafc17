// What a process does to stand on its own: a session, and descriptors of its choice.
import { bindLibc, check } from './libc.js';

const setsid = bindLibc('int setsid()');
const dup2 = bindLibc('int dup2(int from, int to)');

/** Throws EPERM for the leader of a process group. */
export function becomeSessionLeader(): void {
  check('setsid', setsid());
}

/** `to` becomes another name of `from`; what it was is closed. */
export function duplicateDescriptor(from: number, to: number): void {
  check('dup2', dup2(from, to), `descriptor ${from}`);
}
