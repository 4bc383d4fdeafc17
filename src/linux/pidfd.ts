// Process file descriptors: a process named without the danger of a pid used again.
import { readProcessStat } from './process-info.js';
import { exitStatusFromWait, type ExitStatus } from './wait.js';
import { bindBlockingLibc, bindLibc, check, isSystemError } from './libc.js';

// The generic table: the same number on x86-64 and arm64.
const SYS_pidfd_send_signal = 424;
const SYS_pidfd_open = 434;

/** _IOWR(0xFF, 11, struct pidfd_info) with the 64 bytes of the structure's first version (Linux 6.13). */
const PIDFD_GET_INFO = 0xc040_ff0b;
const PIDFD_INFO_EXIT = 1n << 3n;
const pidfdInfoBytes = 64;
const exitCodeOffset = 60;

const syscall = bindLibc('long syscall(long number, long a, long b, long c, long d)');
const ioctl = bindLibc('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *info)');

/** struct pollfd: int fd, short events, short revents. */
const pollfdBytes = 8;
const POLLIN = 1;

const poll = bindBlockingLibc('int poll(_Inout_ uint8_t *fds, unsigned long count, int timeout_ms)');

/** Those of the pidfds whose processes have ended; none when `timeoutMs` passes first. Holds a thread meanwhile. */
export async function waitForPidfds(pidfds: readonly number[], timeoutMs: number): Promise<number[]> {
  const fds = Buffer.alloc(pollfdBytes * pidfds.length);
  for (const [index, pidfd] of pidfds.entries()) {
    fds.writeInt32LE(pidfd, index * pollfdBytes);
    fds.writeInt16LE(POLLIN, index * pollfdBytes + 4);
  }
  // A negative result is an interruption: nobody is known to have ended, and the caller asks again.
  await poll(fds, pidfds.length, timeoutMs);
  return pidfds.filter((_pidfd, index) => fds.readInt16LE(index * pollfdBytes + 6) !== 0);
}

/** Opens a pidfd (close it with closeSync); throws ESRCH when there is no such process. */
export function openPidfd(pid: number): number {
  return check('pidfd_open', syscall(SYS_pidfd_open, pid, 0, 0, 0), `pid ${pid}`);
}

/** Throws ESRCH when the process has been reaped. */
export function signalPidfd(fd: number, signal: number): void {
  check('pidfd_send_signal', syscall(SYS_pidfd_send_signal, fd, signal, 0, 0));
}

/**
 * How the process `pid`, which the pidfd names, ended: also as a zombie that its parent has not waited for yet. Undefined
 * while it runs, and where the kernel cannot tell any more.
 */
export function endByPidfd(pidfd: number, pid: number): ExitStatus | undefined {
  const stat = readProcessStat(pid);
  // The pid is its own as long as it is not reaped, and a signal by pidfd fails once it is.
  if (stat?.state === 'Z' && isUnreaped(pidfd)) return exitStatusFromWait(stat.waitStatus);
  return readPidfdExit(pidfd);
}

function isUnreaped(pidfd: number): boolean {
  return syscall(SYS_pidfd_send_signal, pidfd, 0, 0, 0) === 0;
}

/**
 * How the process ended, also after somebody else has reaped it (Linux 6.15 and newer). Undefined while it runs or is
 * not reaped yet, and where the kernel cannot tell.
 */
export function readPidfdExit(fd: number): ExitStatus | undefined {
  const info = Buffer.alloc(pidfdInfoBytes);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  try {
    check('ioctl PIDFD_GET_INFO', ioctl(fd, PIDFD_GET_INFO, info));
  } catch (error) {
    // ESRCH: reaped, and the kernel is older than 6.15; ENOTTY and EINVAL: older than 6.13.
    if (isSystemError(error, 'ESRCH', 'ENOTTY', 'EINVAL')) return undefined;
    throw error;
  }
  if ((info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n) return undefined;
  return exitStatusFromWait(info.readInt32LE(exitCodeOffset));
}
