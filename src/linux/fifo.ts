// Named pipes, which node:fs can open and cannot make.
import { bindLibc, check } from './libc.js';

const mkfifo = bindLibc('int mkfifo(const char *path, uint32_t mode)');

/** Throws EEXIST when there is something at `path`; the umask takes its bits off `mode`. */
export function makeFifo(path: string, mode: number): void {
  check('mkfifo', mkfifo(path, mode), path);
}
