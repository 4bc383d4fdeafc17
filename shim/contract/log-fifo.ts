// The shim's log where containerd wants it: the FIFO `log` in the bundle, which containerd reads while it is there.
import { closeSync, constants, openSync } from 'node:fs';
import { duplicateDescriptor } from '../../src/linux/session.js';

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR } = constants;
const logMode = 0o600;
const stderrFd = 2;

/**
 * stderr becomes the log. Opened for reading too, so that a containerd that has gone costs no EPIPE and finds the last
 * 64 KiB when it is back; and without blocking, so that what does not fit is lost instead of stopping the shim.
 */
export function takeLog(path: string): void {
  const log = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, logMode);
  duplicateDescriptor(log, stderrFd);
  closeSync(log);
}
