// Feeds a client's keystrokes to a pseudo-terminal's master. libuv writes to a master blocking, which would stop the whole
// shim when a process does not read its terminal; so this writes without blocking and comes back later.
import { writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { isSystemError } from '../../src/linux/libc.js';
import type { Log } from '../../src/base/log.js';

/** The line discipline holds 4 KiB; a process that reads slowly is asked again at this pace. */
const retryMs = 20;

/** `fd` is `master`'s, and is used only while that is open; the source ends with it. */
export function feedTerminal(master: Readable, fd: number, source: Readable, log: Log): void {
  const write = (chunk: Buffer): void => {
    if (master.destroyed || source.destroyed) return;
    const rest = chunk.subarray(tryWrite(fd, chunk, log));
    if (rest.length === 0) {
      source.resume();
      return;
    }
    source.pause();
    setTimeout(() => write(rest), retryMs);
  };
  source.on('data', write);
  source.on('error', (error) => log.warn('reading stdin failed', { error: error.message }));
  master.once('close', () => source.destroy());
}

/** Bytes taken. */
function tryWrite(fd: number, chunk: Buffer, log: Log): number {
  try {
    return writeSync(fd, chunk);
  } catch (error) {
    if (isSystemError(error, 'EAGAIN')) return 0;
    // EIO: no process has the terminal open any more.
    if (!isSystemError(error, 'EIO')) log.warn('writing to the terminal failed', { error: String(error) });
    return chunk.length;
  }
}
