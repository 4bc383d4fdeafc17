// Where a cgroup path, as OCI specs name one, exists on this host: a directory per hierarchy.
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from './libc.js';
import { parseMountInfo } from './mount-info.js';

/** The directories that exist for `path`; none for a systemd slice (`slice:prefix:name`), which systemd removes itself. */
export function cgroupDirectories(path: string): string[] {
  if (!path.startsWith('/') || path === '/') return [];
  const mounts = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  const hierarchies = mounts.filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
  return [...new Set(hierarchies.map(({ mountPoint }) => join(mountPoint, path)))].filter((path) => existsSync(path));
}

/** Throws EBUSY while a process or a child group is in it. */
export function removeCgroupDirectory(directory: string): void {
  rmdirSync(directory);
}

/** True when it is gone; false while something is in it. */
export function tryToRemoveCgroup(directory: string): boolean {
  try {
    removeCgroupDirectory(directory);
    return true;
  } catch (error) {
    return isSystemError(error, 'ENOENT');
  }
}
