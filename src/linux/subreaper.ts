// Child subreaper: orphans below this process become its children instead of pid 1's.
import { bindLibc, check } from './libc.js';
import { setProcessOption } from './prctl.js';

const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;

const prctlGet = bindLibc('int prctl(int option, _Out_ int *value, unsigned long b, unsigned long c, unsigned long d)');

export function becomeSubreaper(): void {
  setProcessOption(PR_SET_CHILD_SUBREAPER, 1);
}

export function isSubreaper(): boolean {
  const value = [0];
  check('prctl', prctlGet(PR_GET_CHILD_SUBREAPER, value, 0, 0, 0));
  return value[0] === 1;
}
