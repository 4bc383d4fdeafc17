// What the programs behind checkpoints say of themselves.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RuntimeDefaults } from '../supervisor.js';

const run = promisify(execFile);
/** They answer at once or not at all. */
const toolTimeoutMs = 5000;

/** Such as 4.2.1; empty where it cannot be asked. */
export async function criuVersion({ criu }: RuntimeDefaults): Promise<string> {
  return await versionIn(criu === '' ? 'criu' : criu, /^Version: (\S+)/m);
}

/** Such as 1.1.5+ds1; empty where it cannot be asked. */
export async function runtimeVersion(binary: string): Promise<string> {
  return await versionIn(binary, /version (\S+)/);
}

/** Whether the kernel tells CRIU which pages a process has written to, on which pre-copy rests. */
export async function tracksMemory({ criu }: RuntimeDefaults): Promise<boolean> {
  const file = criu === '' ? 'criu' : criu;
  return await run(file, ['check', '--feature', 'mem_dirty_track'], { timeout: toolTimeoutMs }).then(
    () => true,
    () => false,
  );
}

async function versionIn(file: string, pattern: RegExp): Promise<string> {
  const { stdout } = await run(file, ['--version'], { timeout: toolTimeoutMs }).catch(() => ({ stdout: '' }));
  return pattern.exec(stdout)?.[1] ?? '';
}
