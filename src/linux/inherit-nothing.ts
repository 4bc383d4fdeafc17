// Descriptors that no program we start may get. Node opens its own so that they close there; LevelDB does not, and a shim
// that held its files would keep a disk from being unmounted, and files that are gone on it, for as long as it lives.
import { bindLibc, check, isSystemError } from './libc.js';

/** The same number on every architecture; older than glibc's function of the name, which not every libc has. */
const SYS_close_range = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const firstOfOurs = 3;
const lastOfAll = 0xff_ff_ff_ff;

const closeRange = bindLibc('long syscall(long number, unsigned int first, unsigned int last, unsigned int flags)');

/** To be called before a program is started: whatever is open then closes in it, but what it is handed. */
export function inheritNothing(): void {
  try {
    check('close_range', closeRange(SYS_close_range, firstOfOurs, lastOfAll, CLOSE_RANGE_CLOEXEC));
  } catch (error) {
    // Linux before 5.11.
    if (!isSystemError(error, 'ENOSYS', 'EINVAL')) throw error;
  }
}
