// One call of the OCI runtime: spawned with raw descriptors, its own log file, and a deadline.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { lastError } from './last-error.js';

export interface Command {
  readonly binary: string;
  /** Builds the whole argv; the log file differs from call to call, so that calls at once do not mix. */
  readonly argumentsFor: (logFile: string) => readonly string[];
  readonly directory: string;
  readonly timeoutMs: number;
  /** Descriptors for stdin, stdout, stderr; without them stdin and stdout are /dev/null and stderr is the log. */
  readonly stdio?: readonly [number, number, number];
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Kill it when this process dies: CRIU, finding nobody to answer to, then undoes what it has begun. */
  readonly diesWithParent?: boolean;
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

let counter = 0;

/** Never rejects for what the runtime does; only for what this process cannot do (no descriptors, a full disk). */
export async function runCommand(command: Command): Promise<Outcome> {
  const logFile = `${command.directory}/.runtime-${process.pid}-${++counter}.log`;
  const log = openSync(logFile, 'ax', 0o600);
  try {
    const end = await spawnAndWait(command, logFile, log);
    if (end.code === 0) return { ok: true, timedOut: false, message: '' };
    const message = end.timedOut ? `took longer than ${command.timeoutMs} ms` : end.failure;
    return { ok: false, timedOut: end.timedOut, message: lastError(readFileSync(logFile, 'utf8')) ?? message };
  } finally {
    closeSync(log);
    unlinkSync(logFile);
  }
}

interface End {
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly failure: string;
}

function spawnAndWait(command: Command, logFile: string, log: number): Promise<End> {
  return new Promise((resolve) => {
    const [file, args] = commandLine(command, logFile);
    const child = spawn(file, args, {
      cwd: command.directory,
      stdio: command.stdio === undefined ? ['ignore', 'ignore', log] : [...command.stdio],
      ...(command.pathPrefix === undefined ? {} : { env: withPath(command.pathPrefix) }),
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, command.timeoutMs);
    const finish = (code: number | null, failure: string): void => {
      clearTimeout(timer);
      resolve({ code, timedOut, failure });
    };
    child.once('exit', (code, signal) => finish(code, signal === null ? `exit status ${code}` : `signal: ${signal}`));
    child.once('error', (error: NodeJS.ErrnoException) => finish(null, spawnFailure(command.binary, error)));
    if (child.pid !== undefined) command.onSpawn?.(child);
  });
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
