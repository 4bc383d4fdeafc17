// Makes FIFOs by coreutils' mkfifo. Stands in for src/linux/fifo.ts.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export async function makeFifos(paths: readonly string[]): Promise<void> {
  await promisify(execFile)('mkfifo', ['-m', '600', '--', ...paths]);
}
