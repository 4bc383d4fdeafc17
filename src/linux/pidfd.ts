// Process file descriptors: a process named without the danger of a pid used again.
import { exitStatusFromWait, type ExitStatus } from './wait.js';
import { bindLibc, check, isSystemError } from './libc.js';

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

/** Opens a pidfd (close it with closeSync); throws ESRCH when there is no such process. */
export function openPidfd(pid: number): number {
  return check('pidfd_open', syscall(SYS_pidfd_open, pid, 0, 0, 0), `pid ${pid}`);
}

/** Throws ESRCH when the process has been reaped. */
export function signalPidfd(fd: number, signal: number): void {
  check('pidfd_send_signal', syscall(SYS_pidfd_send_signal, fd, signal, 0, 0));
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
