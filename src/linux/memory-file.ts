// Files without a name, in memory: gone when the last descriptor is closed, and nothing on any disk is made for them.
import { closeSync, openSync } from 'node:fs';
import { bindLibc, check } from './libc.js';

const MFD_CLOEXEC = 1;

const memfdCreate = bindLibc('int memfd_create(const char *name, unsigned int flags)');

export interface MemoryFile {
  /** For appending. */
  readonly fd: number;
  /** By which others open it for as long as this process holds it. */
  readonly path: string;
}

export function openMemoryFile(name: string): MemoryFile {
  const anonymous = check('memfd_create', memfdCreate(name, MFD_CLOEXEC), name);
  try {
    const fd = openSync(`/proc/self/fd/${anonymous}`, 'a');
    return { fd, path: `/proc/${process.pid}/fd/${fd}` };
  } finally {
    closeSync(anonymous);
  }
}
