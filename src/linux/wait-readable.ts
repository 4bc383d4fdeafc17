// Waiting for descriptors without an event loop: a process that forks has none that runs, so that a child inherits
// nothing of it.
import { bindLibc, check, isSystemError } from './libc.js';

const POLLIN = 1;
/** sizeof pollfd: int fd, short events, short revents. */
const entryBytes = 8;

const libcPoll = bindLibc('int poll(_Inout_ uint8_t *entries, unsigned long count, int timeoutMs)');

/** Blocks until some of the descriptors can be read or have come to their end, and returns those; none after `timeoutMs`. */
export function waitReadable(fds: readonly number[], timeoutMs = -1): number[] {
  const entries = Buffer.alloc(fds.length * entryBytes);
  for (const [index, fd] of fds.entries()) {
    entries.writeInt32LE(fd, index * entryBytes);
    entries.writeInt16LE(POLLIN, index * entryBytes + 4);
  }
  try {
    check('poll', libcPoll(entries, fds.length, timeoutMs));
  } catch (error) {
    // Stopped and continued.
    if (!isSystemError(error, 'EINTR')) throw error;
    return [];
  }
  return fds.filter((_fd, index) => entries.readInt16LE(index * entryBytes + 6) !== 0);
}
