// Pipes and FIFOs, which node:fs cannot make.
import { closeSync } from 'node:fs';
import { bindLibc, check } from './libc.js';

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

const pipe2 = bindLibc('int pipe2(_Out_ int *ends, int flags)');
const mkfifo = bindLibc('int mkfifo(const char *path, uint32_t mode)');
const fcntl = bindLibc('int fcntl(int fd, int command, long argument)');
const ioctl = bindLibc('int ioctl(int fd, unsigned long request, _Out_ int *count)');

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
