// One call of the OCI runtime: spawned with raw descriptors, its own log file, and a deadline.
import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { hastenMigrations } from '../linux/cgroup-migration.js';
import { type MemoryFile, openMemoryFile } from '../linux/memory-file.js';
import type { ExitStatus } from '../linux/wait.js';
import { lastError } from './last-error.js';
import { type RunningProgram, type SpawnProgram } from './spawn-program.js';

export interface Command {
  readonly binary: string;
  /** Builds the whole argv; the log file differs from call to call, so that calls at once do not mix. */
  readonly argumentsFor: (logFile: string) => readonly string[];
  readonly directory: string;
  readonly timeoutMs: number;
  /** Descriptors for stdin, stdout, stderr; without them stdin and stdout are /dev/null and stderr is the log. */
  readonly stdio?: readonly [number, number, number];
  readonly spawn: SpawnProgram;
  /** Kill it when this process dies: CRIU, finding nobody to answer to, then undoes what it has begun. */
  readonly diesWithParent?: boolean;
  /** It makes a process and moves it to control groups of its own. */
  readonly movesProcesses?: boolean;
  /** Put before PATH. */
  readonly pathPrefix?: string;
}

export interface Outcome {
  readonly ok: boolean;
  readonly timedOut: boolean;
  /** What went wrong, in the runtime's own words. */
  readonly message: string;
}

const setpriv = '/usr/bin/setpriv';

/** Never rejects for what the runtime does; only for what this process cannot do (no descriptors, a full disk). */
export async function runCommand(command: Command): Promise<Outcome> {
  const log = openMemoryFile('runtime-log');
  try {
    const end = await spawnAndWait(command, log);
    if (end.ok) return { ok: true, timedOut: false, message: '' };
    const message = end.timedOut ? `took longer than ${command.timeoutMs} ms` : end.failure;
    return { ok: false, timedOut: end.timedOut, message: lastError(readFileSync(log.path, 'utf8')) ?? message };
  } finally {
    closeSync(log.fd);
  }
}

interface End {
  readonly ok: boolean;
  readonly timedOut: boolean;
  readonly failure: string;
}

async function spawnAndWait(command: Command, log: MemoryFile): Promise<End> {
  let running: RunningProgram;
  try {
    running = await start(command, log);
  } catch (error) {
    return { ok: false, timedOut: false, failure: spawnFailure(command.binary, error as NodeJS.ErrnoException) };
  }
  if (command.movesProcesses === true) hastenMigrations(running);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    running.kill();
  }, command.timeoutMs);
  try {
    const end = await running.ended;
    return { ok: end.status === 0, timedOut, failure: describeEnd(end) };
  } finally {
    clearTimeout(timer);
  }
}

async function start(command: Command, log: MemoryFile): Promise<RunningProgram> {
  const [file, args] = commandLine(command, log.path);
  const environment = command.pathPrefix === undefined ? process.env : withPath(command.pathPrefix);
  const { directory, stdio } = command;
  if (stdio !== undefined) return await command.spawn({ file, args, directory, environment, stdio });
  const nothing = openSync('/dev/null', constants.O_RDWR);
  try {
    return await command.spawn({ file, args, directory, environment, stdio: [nothing, nothing, log.fd] });
  } finally {
    closeSync(nothing);
  }
}

function describeEnd({ status, signal }: ExitStatus): string {
  if (signal === 0) return `exit status ${status}`;
  const name = Object.entries(osConstants.signals).find(([, value]) => value === signal)?.[0];
  return `signal: ${name ?? signal}`;
}

/** util-linux's setpriv sets the signal in the child itself; a host without it goes without. */
function commandLine(command: Command, logFile: string): [string, string[]] {
  const args = [...command.argumentsFor(logFile)];
  if (command.diesWithParent !== true || !existsSync(setpriv)) return [command.binary, args];
  return [setpriv, ['--pdeathsig', 'KILL', command.binary, ...args]];
}

function withPath(prefix: string): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${prefix}:${process.env['PATH'] ?? ''}` };
}

/** In the words of Go's os/exec, which clients know from containerd. */
function spawnFailure(binary: string, error: NodeJS.ErrnoException): string {
  const quoted = JSON.stringify(binary);
  if (error.code !== 'ENOENT') return `fork/exec ${binary}: ${error.message}`;
  if (binary.includes('/')) return `fork/exec ${binary}: no such file or directory`;
  return `exec: ${quoted}: executable file not found in $PATH`;
}
