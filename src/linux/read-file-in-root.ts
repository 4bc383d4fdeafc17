// Reads a small file of a tree that nobody vouches for: no symbolic link leads out of it, and nothing but a plain file of
// bounded size is read.
import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import type { BytePath } from './byte-path.js';
import { isSystemError } from './libc.js';
import { openInRoot } from './open-in-root.js';

/** Undefined where there is no such file. Throws where it is none to read, or larger than `maxBytes`. */
export function readFileInRoot(root: number, path: BytePath, maxBytes: number): Buffer | undefined {
  const fd = openIfThere(root, path);
  if (fd === undefined) return undefined;
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`/${path} is no plain file`);
    const bytes = Buffer.alloc(maxBytes + 1);
    let size = 0;
    while (size < bytes.length) {
      const count = readSync(fd, bytes, size, bytes.length - size, null);
      if (count === 0) break;
      size += count;
    }
    if (size > maxBytes) throw new Error(`/${path} has more than ${maxBytes} bytes`);
    return bytes.subarray(0, size);
  } finally {
    closeSync(fd);
  }
}

function openIfThere(root: number, path: BytePath): number | undefined {
  try {
    // A FIFO would keep a reader waiting.
    return openInRoot(root, path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
