// `berth run` against a test's daemon, and what it must not leave there.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestDaemon } from '../helpers/daemon.js';
import { type Program, type ProgramOptions, type ProgramResult, startProgram } from '../helpers/program.js';

/** Runs a container in the foreground to its end, and removes it. */
export async function runToEnd(
  daemon: TestDaemon,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return await daemon.berth(['run', '--rm', '--rootfs', daemon.rootfs, ...args], options);
}

export function startRun(daemon: TestDaemon, args: readonly string[]): Program {
  const [file = '', ...rest] = daemon.berthCommand(['run', '--rm', '--rootfs', daemon.rootfs, ...args]);
  return startProgram(file, rest, { keepStdin: true });
}

/** What `berth` made for streams and has not removed. */
export function fifoDirectories(daemon: TestDaemon): string[] {
  const directory = join(daemon.state, 'fifo');
  return existsSync(directory) ? readdirSync(directory) : [];
}
