// prctl(2) for options that take one number.
import { bindLibc, check } from './libc.js';

const prctl = bindLibc('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');

/** Of this process. Throws the system's error. */
export function setProcessOption(option: number, value: number): void {
  check('prctl', prctl(option, value, 0, 0, 0));
}
