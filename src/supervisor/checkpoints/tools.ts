// What the programs behind checkpoints say of themselves.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Supervisor } from '../supervisor.js';

const execute = promisify(execFile);
/** They answer at once or not at all. */
const toolTimeoutMs = 5000;

type Tools = Pick<Supervisor, 'runtime' | 'orphans'>;

/** Such as 4.2.1; empty where it cannot be asked. */
export async function criuVersion(tools: Tools): Promise<string> {
  return await versionIn(tools, criuOf(tools), /^Version: (\S+)/m);
}

/** Such as 1.1.5+ds1; empty where it cannot be asked. */
export async function runtimeVersion(tools: Tools, binary: string): Promise<string> {
  return await versionIn(tools, binary, /version (\S+)/);
}

/** Whether the kernel tells CRIU which pages a process has written to, on which pre-copy rests. */
export async function tracksMemory(tools: Tools): Promise<boolean> {
  return (await run(tools, criuOf(tools), ['check', '--feature', 'mem_dirty_track'])) !== undefined;
}

function criuOf({ runtime }: Tools): string {
  return runtime.criu === '' ? 'criu' : runtime.criu;
}

async function versionIn(tools: Tools, file: string, pattern: RegExp): Promise<string> {
  return pattern.exec((await run(tools, file, ['--version'])) ?? '')?.[1] ?? '';
}

/** What it printed; undefined where it failed. */
async function run({ orphans }: Tools, file: string, args: readonly string[]): Promise<string | undefined> {
  const running = execute(file, args, { timeout: toolTimeoutMs });
  orphans.leaveToLibuv(running.child);
  return await running.then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}
