// What CRIU said before it gave up: the last errors of its log, with what every run says left out.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The cause and what followed from it; more tells nothing new. */
const keptErrors = 3;
/** Each; they travel in a status over the wire. */
const maxErrorLength = 400;
/** The errors come last, and the log of a large container is long. */
const tailBytes = 64 * 1024;

/** Errors that are no reason: one that a privilege we do not need causes, and the one that ends every failed run. */
const noise = [/rlimit: Can't setup/, /(Dumping|Restoring|Pre-dumping) FAILED/, /cgroupd: recv req error/];

/** Empty where the log is not there or names no error. */
export function criuErrors(logFile: string): string {
  try {
    return criuErrorsOf(readTail(logFile));
  } catch {
    return '';
  }
}

function readTail(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, size - buffer.length));
  } finally {
    closeSync(fd);
  }
}

/** Pure part of `criuErrors`. */
export function criuErrorsOf(log: string): string {
  return log
    .split('\n')
    .filter((line) => /\bError \(/.test(line) && !noise.some((pattern) => pattern.test(line)))
    .slice(-keptErrors)
    .map((line) => line.replace(/^\([0-9.]+\)\s*(?:\d+: )?/, '').slice(0, maxErrorLength))
    .join('; ');
}
