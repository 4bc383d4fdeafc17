// The OCI runtime as an object: a method per verb. Failures carry the runtime's own last message behind containerd's
// prefix, since clients look for both.
import type { ChildProcess } from 'node:child_process';
import { BerthError, type ErrorKind } from '../domain/errors.js';
import {
  createArguments,
  deleteArguments,
  execArguments,
  globalArguments,
  killArguments,
  startArguments,
  type CreateOptions,
  type ExecOptions,
  type GlobalOptions,
} from './arguments.js';
import { runCommand, type Outcome } from './command.js';

/** A runtime that hangs is killed after this; hooks and slow disks fit well within. */
const createTimeoutMs = 120_000;
const startTimeoutMs = 60_000;
const execTimeoutMs = 60_000;
const killTimeoutMs = 10_000;
const deleteTimeoutMs = 60_000;

export interface RuncSettings extends GlobalOptions {
  /** A name on PATH or a path. */
  readonly binary: string;
  /** Where the runtime runs and where its log files lie while it does: the bundle. */
  readonly directory: string;
  /** Told of every process spawned, so that whoever reaps strays leaves it to libuv. */
  readonly onSpawn?: (child: ChildProcess) => void;
}

/** stdin, stdout and stderr of the container's process. */
export type Descriptors = readonly [number, number, number];

export class Runc {
  constructor(readonly settings: RuncSettings) {}

  async create(id: string, options: CreateOptions, stdio?: Descriptors): Promise<void> {
    const outcome = await this.#run(createArguments(id, options), createTimeoutMs, stdio);
    if (!outcome.ok) throw failure('OCI runtime create failed', outcome);
  }

  async start(id: string): Promise<void> {
    const outcome = await this.#run(startArguments(id), startTimeoutMs);
    if (!outcome.ok) throw failure('OCI runtime start failed', outcome);
  }

  async exec(id: string, options: ExecOptions, stdio?: Descriptors): Promise<void> {
    const outcome = await this.#run(execArguments(id, options), execTimeoutMs, stdio);
    if (!outcome.ok) throw failure('OCI runtime exec failed', outcome);
  }

  async kill(id: string, signal: number, all: boolean): Promise<void> {
    const outcome = await this.#run(killArguments(id, signal, all), killTimeoutMs);
    if (!outcome.ok) throw killFailure(outcome);
  }

  /** Idempotent: a container that the runtime does not know is deleted already. */
  async delete(id: string, force = false): Promise<void> {
    const outcome = await this.#run(deleteArguments(id, force), deleteTimeoutMs);
    if (!outcome.ok && !outcome.message.includes('does not exist')) throw failure('failed to delete task', outcome);
  }

  #run(verb: readonly string[], timeoutMs: number, stdio?: Descriptors): Promise<Outcome> {
    const { binary, directory, onSpawn } = this.settings;
    return runCommand({
      binary,
      directory,
      timeoutMs,
      argumentsFor: (logFile) => [...globalArguments(this.settings, logFile), ...verb],
      ...(stdio === undefined ? {} : { stdio }),
      ...(onSpawn === undefined ? {} : { onSpawn }),
    });
  }
}

function failure(prefix: string, outcome: Outcome): BerthError {
  const kind: ErrorKind = outcome.timedOut ? 'deadline-exceeded' : 'unknown';
  return new BerthError(kind, `${prefix}: ${outcome.message}`);
}

/** As containerd's checkKillError. */
function killFailure(outcome: Outcome): BerthError {
  if (/process already finished|container not running|no such process/i.test(outcome.message)) {
    return new BerthError('not-found', 'process already finished');
  }
  if (outcome.message.includes('does not exist')) return new BerthError('not-found', 'no such container');
  return failure('unknown error after kill', outcome);
}
