// Pipes and FIFOs, which node:fs cannot make.
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { bindLibc, check, lastErrno } from './libc.js';

export interface PipeEnds {
  readonly read: number;
  readonly write: number;
}

const O_CLOEXEC = 0o2_000_000;
const F_GETFL = 3;
const F_DUPFD_CLOEXEC = 1030;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const FIONREAD = 0x541b;
const SPLICE_F_NONBLOCK = 2;

const pipe2 = bindLibc('int pipe2(_Out_ int *ends, int flags)');
const mkfifo = bindLibc('int mkfifo(const char *path, uint32_t mode)');
const fcntl = bindLibc('int fcntl(int fd, int command, long argument)');
const ioctl = bindLibc('int ioctl(int fd, unsigned long request, _Out_ int *count)');
const splice = bindLibc(
  'long splice(int from, void *fromOffset, int to, void *toOffset, size_t max, unsigned int flags)',
);
const tee = bindLibc('long tee(int from, int to, size_t max, unsigned int flags)');

/** A pipe whose ends no child inherits unless it is handed them. */
export function openPipe(): PipeEnds {
  const ends = [-1, -1];
  check('pipe2', pipe2(ends, O_CLOEXEC));
  return { read: ends[0] ?? -1, write: ends[1] ?? -1 };
}

export function makeFifo(path: string, mode: number): void {
  check('mkfifo', mkfifo(path, mode), path);
}

export function setNonBlocking(fd: number): void {
  const flags = check('fcntl', fcntl(fd, F_GETFL, 0));
  check('fcntl', fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

/** The same file as a descriptor of at least `least`; `fd` is closed. */
export function liftDescriptor(fd: number, least: number): number {
  try {
    return check('fcntl', fcntl(fd, F_DUPFD_CLOEXEC, least));
  } finally {
    closeSync(fd);
  }
}

/** Bytes in a pipe or FIFO that nobody has read yet. */
export function unreadBytes(fd: number): number {
  const count = [0];
  check('ioctl FIONREAD', ioctl(fd, FIONREAD, count));
  return count[0] ?? 0;
}

/**
 * Moves up to `max` bytes from one pipe to another within the kernel: a process that is killed meanwhile has moved them or has
 * not. 0 at the end; undefined where `from` is empty or `to` is full.
 */
export function moveBetweenPipes(from: number, to: number, max: number): number | undefined {
  return unlessAgain('splice', splice(from, null, to, null, max, SPLICE_F_NONBLOCK));
}

/** Copies up to `max` bytes of one pipe into another, which must be empty, and leaves them where they are; as above. */
export function copyBetweenPipes(from: number, to: number, max: number): number | undefined {
  return unlessAgain('tee', tee(from, to, max, SPLICE_F_NONBLOCK));
}

function unlessAgain(name: string, result: number): number | undefined {
  if (result >= 0) return result;
  return lastErrno() === constants.errno.EAGAIN ? undefined : check(name, result);
}
