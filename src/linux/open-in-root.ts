// openat2(2): paths resolved as if a directory were the root of the file system, so that neither '..' nor a symbolic
// link leads out of it. Linux 5.6 and newer.
import { constants } from 'node:fs';
import { type BytePath, cStringFromBytePath, textFromBytePath } from './byte-path.js';
import { O_PATH } from './directory-calls.js';
import { bindLibc, check, isSystemError } from './libc.js';

/** The generic table: the same number on every architecture. */
const SYS_openat2 = 437;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;
const O_CLOEXEC = 0o2_000_000;
const openHowBytes = 24;
/** The kernel gives up when a rename anywhere raced with it; it says to try again. */
const maxAttempts = 32;

const syscall = bindLibc(
  'long syscall(long number, int directory, const uint8_t *path, const uint8_t *how, size_t size)',
);

/** A directory below `root`, for use as the directory of other calls; the caller closes it. */
export function openDirectoryInRoot(root: number, path: BytePath): number {
  return openInRoot(root, path, O_PATH | constants.O_DIRECTORY);
}

export function openInRoot(root: number, path: BytePath, flags: number): number {
  const how = Buffer.alloc(openHowBytes);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16);
  const name = cStringFromBytePath(path === '' ? '.' : path);
  for (let attempt = 1; ; attempt++) {
    try {
      return check('openat2', syscall(SYS_openat2, root, name, how, openHowBytes), textFromBytePath(path));
    } catch (error) {
      if (!isSystemError(error, 'EAGAIN') || attempt === maxAttempts) throw error;
    }
  }
}
