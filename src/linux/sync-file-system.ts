// syncfs(2): everything written to the file system that a directory is on reaches the disk.
import { bindLibc, check } from './libc.js';

const syncfs = bindLibc('int syncfs(int fd)');

/** Blocks the thread for as long as the disk takes. */
export function syncFileSystem(fd: number): void {
  check('syncfs', syncfs(fd));
}
