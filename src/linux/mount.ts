// Mounting what containerd's snapshotters describe, and taking every mount below a directory away again.
import { closeSync, constants, lstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { bindLibc, check, isSystemError, systemError } from './libc.js';
import { mountFlags, parseMountOptions } from './mount-options.js';
import { parseMountInfo } from './mount-info.js';
import { compactLowerDirectories } from './overlay-options.js';

/** As containerd.types.Mount. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  /** Below the directory that is mounted on; empty means that directory. */
  readonly target: string;
  readonly options: readonly string[];
}

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
const EINVAL = 22;

/** The kernel copies one page of options. */
const maxDataBytes = 4095;
const mountCall = bindLibc(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
const chdir = bindLibc('int chdir(const char *path)');
const fchdir = bindLibc('int fchdir(int fd)');
const umount2 = bindLibc('int umount2(const char *target, int flags)');

/** Mounts `mount` on `root`; a read-only bind takes a second call, since the first ignores the flag. */
export function mountOn(mount: Mount, root: string): void {
  const target = targetIn(root, mount.target);
  const { flags, propagation, data } = parseMountOptions(mount.options);
  if (mount.options.includes('loop')) throw systemError('mount: loop devices are not supported:', EINVAL, mount.source);
  if (Buffer.byteLength(data) > maxDataBytes) {
    mountCompactly(mount, root);
    return;
  }
  const bound = (flags & mountFlags.MS_BIND) !== 0;
  const type = bound && mount.type === 'bind' ? null : mount.type;
  check('mount', mountCall(mount.source, target, type, flags, data === '' ? null : data), describe(mount, target));
  if (propagation !== 0) check('mount', mountCall('', target, null, propagation, null), target);
  const readOnlyBind = mountFlags.MS_BIND | mountFlags.MS_RDONLY;
  if ((flags & readOnlyBind) === readOnlyBind) {
    check('mount', mountCall('', target, null, flags | mountFlags.MS_REMOUNT, null), target);
  }
}

/** A place that is there, below `root`: neither '..' nor a symbolic link may lead a mount elsewhere. */
function targetIn(root: string, target: string): string {
  if (target === '') return root;
  const found = realPath(join(root, target));
  const inside = `${realPath(root)}/`;
  if (!found.startsWith(inside)) throw systemError('mount: target outside of the root:', EINVAL, target);
  return found;
}

/** Throws as mount(2) would. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : EINVAL;
    throw systemError('mount: no such target:', errno, path);
  }
}

/** Names the lower directories of an overlay from their common parent, from which the call is then made. */
function mountCompactly(mount: Mount, root: string): void {
  const compact = mount.type === 'overlay' && isAbsolute(root) ? compactLowerDirectories(mount.options) : undefined;
  const data = parseMountOptions(compact?.options ?? mount.options).data;
  if (compact === undefined || Buffer.byteLength(data) > maxDataBytes) {
    throw systemError(`mount: options longer than ${maxDataBytes} bytes:`, EINVAL, root);
  }
  inDirectory(compact.directory, () => mountOn({ ...mount, options: compact.options }, root));
}

/** Runs `work` in another working directory, before anything else of this thread can run. */
function inDirectory(directory: string, work: () => void): void {
  const before = openSync('.', constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    check('chdir', chdir(directory), directory);
    try {
      work();
    } finally {
      check('fchdir', fchdir(before));
    }
  } finally {
    closeSync(before);
  }
}

/** Unmounts everything on and below `directory`, last mounted first; lazily what is busy. Returns how many there were. */
export function unmountBelow(directory: string): number {
  const points = mountPointsBelow(directory);
  for (const point of points) {
    if (!tryUnmount(point, 0)) tryUnmount(point, MNT_DETACH);
  }
  return points.length;
}

/** Unmounts `point` itself; false where it is busy, also with mounts below it. Nothing mounted is fine. */
export function unmountIfIdle(point: string): boolean {
  return tryUnmount(point, 0);
}

export function isMountedBelow(directory: string): boolean {
  return mountPointsBelow(directory).length > 0;
}

/** The mount points on and below `directory`, last mounted first. */
export function mountPointsBelow(directory: string): string[] {
  const real = realDirectory(directory);
  if (real === undefined) return [];
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
    .map((entry) => entry.mountPoint)
    .filter((point) => point === real || point.startsWith(`${real}/`))
    .reverse();
}

/** False when it is busy. */
function tryUnmount(point: string, flags: number): boolean {
  try {
    check('umount2', umount2(point, flags | UMOUNT_NOFOLLOW), point);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EBUSY')) return false;
    // Gone in the meantime, with its parent or by somebody else.
    if (isSystemError(error, 'EINVAL', 'ENOENT')) return true;
    throw error;
  }
}

/** mountinfo shows resolved paths; a symbolic link itself is never followed. */
function realDirectory(directory: string): string | undefined {
  try {
    return lstatSync(directory).isDirectory() ? realpathSync(directory) : undefined;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function describe(mount: Mount, target: string): string {
  return `${mount.type} ${mount.source} on ${target}`;
}
