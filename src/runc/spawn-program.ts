// How the OCI runtime's process is started and waited for: by node:child_process, unless whoever reaps children has a way
// of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { inheritNothing } from '../linux/inherit-nothing.js';
import type { ProgramStart } from '../linux/spawn.js';
import type { ExitStatus } from '../linux/wait.js';

export interface RunningProgram {
  readonly pid: number;
  readonly ended: Promise<ExitStatus>;
  /** By SIGKILL. */
  kill(): void;
}

/** Throws, or rejects, with the system's error where the program cannot be run. */
export type SpawnProgram = (start: ProgramStart) => RunningProgram | Promise<RunningProgram>;

/** `onSpawn` is told of the process that libuv waits for. */
export function spawnByNode(onSpawn: (child: ChildProcess) => void = () => undefined): SpawnProgram {
  return async ({ file, args, directory, environment, stdio }) => {
    inheritNothing();
    const child = spawn(file, args, { cwd: directory, env: environment, stdio: [...stdio] });
    const exited = new Promise<ExitStatus>((resolve) => {
      child.once('exit', (code, signal) => resolve(exitStatus(code, signal)));
    });
    if (child.pid === undefined) await once(child, 'spawn');
    onSpawn(child);
    return { pid: child.pid ?? 0, ended: exited, kill: () => child.kill('SIGKILL') };
  };
}

function exitStatus(code: number | null, name: NodeJS.Signals | null): ExitStatus {
  const signal = name === null ? 0 : constants.signals[name];
  return { status: code ?? 128 + signal, signal };
}
