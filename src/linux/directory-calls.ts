// Work on a name in an open directory, which no symbolic link elsewhere can turn aside. Nothing here follows a symbolic
// link at the name itself, and names are bytes.
import { closeSync, constants, readdirSync } from 'node:fs';
import { type BytePath, cStringFromBytePath, textFromBytePath } from './byte-path.js';
import { statusAt } from './file-status.js';
import { bindLibc, check, isSystemError } from './libc.js';

export const O_PATH = 0o10_000_000;
const O_CLOEXEC = 0o2_000_000;
const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const fileTypes = { 'character-device': 0o20_000, 'block-device': 0o60_000, fifo: 0o10_000 } as const;
const nanosPerSecond = 1_000_000_000n;

const openat = bindLibc('int openat(int directory, const uint8_t *path, int flags, uint32_t mode)');
const mkdirat = bindLibc('int mkdirat(int directory, const uint8_t *path, uint32_t mode)');
const symlinkat = bindLibc('int symlinkat(const uint8_t *target, int directory, const uint8_t *path)');
const linkat = bindLibc('int linkat(int from, const uint8_t *old, int to, const uint8_t *path, int flags)');
const mknodat = bindLibc('int mknodat(int directory, const uint8_t *path, uint32_t mode, uint64_t device)');
const unlinkat = bindLibc('int unlinkat(int directory, const uint8_t *path, int flags)');
const renameat = bindLibc('int renameat(int from, const uint8_t *old, int to, const uint8_t *path)');
const fchownat = bindLibc('int fchownat(int directory, const uint8_t *path, uint32_t uid, uint32_t gid, int flags)');
const fchmodat = bindLibc('int fchmodat(int directory, const uint8_t *path, uint32_t mode, int flags)');
const utimensat = bindLibc('int utimensat(int directory, const uint8_t *path, const uint8_t *times, int flags)');
const futimens = bindLibc('int futimens(int fd, const uint8_t *times)');

/** Opens `name`, never a symbolic link; the caller closes it. */
export function openAt(directory: number, name: BytePath, flags: number, mode = 0): number {
  const all = flags | constants.O_NOFOLLOW | O_CLOEXEC;
  return check('openat', openat(directory, cStringFromBytePath(name), all, mode), textFromBytePath(name));
}

export function makeDirectoryAt(directory: number, name: BytePath, mode: number): void {
  check('mkdirat', mkdirat(directory, cStringFromBytePath(name), mode), textFromBytePath(name));
}

export function makeSymlinkAt(directory: number, name: BytePath, target: BytePath): void {
  const result = symlinkat(cStringFromBytePath(target), directory, cStringFromBytePath(name));
  check('symlinkat', result, textFromBytePath(name));
}

/** Another name for what `from` names; where that is a symbolic link, for the link itself. */
export function linkAt(
  from: { readonly directory: number; readonly name: BytePath },
  directory: number,
  name: BytePath,
): void {
  const result = linkat(from.directory, cStringFromBytePath(from.name), directory, cStringFromBytePath(name), 0);
  check('linkat', result, textFromBytePath(name));
}

export interface NodeOptions {
  readonly kind: keyof typeof fileTypes;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

export function makeNodeAt(directory: number, name: BytePath, { kind, mode, major, minor }: NodeOptions): void {
  const device = deviceNumber(BigInt(major), BigInt(minor));
  const result = mknodat(directory, cStringFromBytePath(name), fileTypes[kind] | mode, device);
  check('mknodat', result, textFromBytePath(name));
}

export function renameAt(from: number, oldName: BytePath, to: number, name: BytePath): void {
  const result = renameat(from, cStringFromBytePath(oldName), to, cStringFromBytePath(name));
  check('renameat', result, textFromBytePath(name));
}

export function changeOwnerAt(directory: number, name: BytePath, uid: number, gid: number): void {
  const result = fchownat(directory, cStringFromBytePath(name), uid, gid, AT_SYMLINK_NOFOLLOW);
  check('fchownat', result, textFromBytePath(name));
}

/** The kernel follows a symbolic link here: `name` must be none. */
export function changeModeAt(directory: number, name: BytePath, mode: number): void {
  check('fchmodat', fchmodat(directory, cStringFromBytePath(name), mode, 0), textFromBytePath(name));
}

export interface FileTimes {
  readonly accessedNanos: bigint;
  readonly modifiedNanos: bigint;
}

export function setTimesAt(directory: number, name: BytePath, times: FileTimes): void {
  const result = utimensat(directory, cStringFromBytePath(name), timespecs(times), AT_SYMLINK_NOFOLLOW);
  check('utimensat', result, textFromBytePath(name));
}

export function setTimes(fd: number, times: FileTimes): void {
  check('futimens', futimens(fd, timespecs(times)));
}

/** The names in an open directory, also of one that was opened with O_PATH. */
export function readDirectory(directory: number): BytePath[] {
  return readdirSync(`/proc/self/fd/${directory}`, 'latin1');
}

/**
 * Removes `name` with everything below it; nothing there is fine. Mounts below make it fail. `onEach` is called before
 * each name, and ends it by throwing.
 */
export function removeTreeAt(directory: number, name: BytePath, onEach?: () => void): void {
  onEach?.();
  try {
    unlinkAt(directory, name, 0);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return;
    if (!isSystemError(error, 'EISDIR', 'EPERM') || statusAt(directory, name).kind !== 'directory') throw error;
    emptyDirectoryAt(directory, name, onEach);
    unlinkAt(directory, name, AT_REMOVEDIR);
  }
}

function emptyDirectoryAt(directory: number, name: BytePath, onEach: (() => void) | undefined): void {
  const fd = openAt(directory, name, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const entry of readDirectory(fd)) removeTreeAt(fd, entry, onEach);
  } finally {
    closeSync(fd);
  }
}

function unlinkAt(directory: number, name: BytePath, flags: number): void {
  check('unlinkat', unlinkat(directory, cStringFromBytePath(name), flags), textFromBytePath(name));
}

const timespecBuffer = Buffer.alloc(32);

function timespecs({ accessedNanos, modifiedNanos }: FileTimes): Buffer {
  [accessedNanos, modifiedNanos].forEach((nanos, index) => {
    const rest = ((nanos % nanosPerSecond) + nanosPerSecond) % nanosPerSecond;
    timespecBuffer.writeBigInt64LE((nanos - rest) / nanosPerSecond, index * 16);
    timespecBuffer.writeBigInt64LE(rest, index * 16 + 8);
  });
  return timespecBuffer;
}

/** glibc's makedev. */
function deviceNumber(major: bigint, minor: bigint): bigint {
  const majorBits = ((major & 0xffff_f000n) << 32n) | ((major & 0xfffn) << 8n);
  return majorBits | ((minor & 0xffff_ff00n) << 12n) | (minor & 0xffn);
}
