// statx(2): what a file is, with times to the nanosecond and never through a symbolic link.
import { type BytePath, cStringFromBytePath, textFromBytePath } from './byte-path.js';
import { bindLibc, check, isSystemError } from './libc.js';

export type FileKind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'socket'
  | 'unknown';

export interface FileStatus {
  readonly kind: FileKind;
  /** Permissions with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly links: number;
  /** Names the file on this host: the same for all its hard links. */
  readonly inode: string;
  readonly modifiedNanos: bigint;
  readonly accessedNanos: bigint;
  /** Of a device; else 0. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const statxBytes = 256;
const permissionBits = 0o7777;
const typeShift = 12;
const kinds: Readonly<Record<number, FileKind>> = {
  0o01: 'fifo',
  0o02: 'character-device',
  0o04: 'directory',
  0o06: 'block-device',
  0o10: 'file',
  0o12: 'symlink',
  0o14: 'socket',
};

const statx = bindLibc(
  'int statx(int directory, const uint8_t *path, int flags, unsigned int mask, _Out_ uint8_t *status)',
);
const buffer = Buffer.alloc(statxBytes);

/** Of `name` in `directory`; of `directory` itself for an empty name. */
export function statusAt(directory: number, name: BytePath): FileStatus {
  const flags = name === '' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  const result = statx(directory, cStringFromBytePath(name), flags, STATX_BASIC_STATS, buffer);
  check('statx', result, textFromBytePath(name));
  return parse(buffer);
}

/** Undefined where there is nothing. */
export function findStatusAt(directory: number, name: BytePath): FileStatus | undefined {
  try {
    return statusAt(directory, name);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function parse(status: Buffer): FileStatus {
  const mode = status.readUInt16LE(28);
  return {
    kind: kinds[mode >> typeShift] ?? 'unknown',
    mode: mode & permissionBits,
    uid: status.readUInt32LE(20),
    gid: status.readUInt32LE(24),
    size: Number(status.readBigUInt64LE(40)),
    blocks: Number(status.readBigUInt64LE(48)),
    links: status.readUInt32LE(16),
    inode: `${status.readUInt32LE(136)}:${status.readUInt32LE(140)}:${status.readBigUInt64LE(32)}`,
    modifiedNanos: nanosAt(status, 112),
    accessedNanos: nanosAt(status, 64),
    deviceMajor: status.readUInt32LE(128),
    deviceMinor: status.readUInt32LE(132),
  };
}

function nanosAt(status: Buffer, offset: number): bigint {
  return status.readBigInt64LE(offset) * 1_000_000_000n + BigInt(status.readUInt32LE(offset + 8));
}
