// The OCI runtime as an object: a method per verb. Failures carry the runtime's own last message behind containerd's
// prefix, since clients look for both.
import { join } from 'node:path';
import { BerthError, type ErrorKind } from '../domain/errors.js';
import {
  checkpointArguments,
  createArguments,
  deleteArguments,
  execArguments,
  globalArguments,
  killArguments,
  pauseArguments,
  restoreArguments,
  resumeArguments,
  startArguments,
  updateArguments,
  type CheckpointOptions,
  type CreateOptions,
  type ExecOptions,
  type GlobalOptions,
  type RestoreOptions,
} from './arguments.js';
import type { ProgramStart } from '../linux/spawn.js';
import { runCommand, type Command, type Outcome } from './command.js';
import { criuErrors } from './criu-errors.js';
import { removeDamaged } from './damaged-state.js';
import { removeLeftoverGroups } from './leftover-groups.js';
import { deleteNatively } from './native-delete.js';
import { type CreatedInit, startNatively } from './native-start.js';
import type { RunningProgram, SpawnProgram } from './spawn-program.js';
import { isRunc } from './state-file.js';

/** A runtime that hangs is killed after this; hooks and slow disks fit well within. */
const createTimeoutMs = 120_000;
const startTimeoutMs = 60_000;
const execTimeoutMs = 60_000;
const killTimeoutMs = 10_000;
const deleteTimeoutMs = 60_000;
const updateTimeoutMs = 60_000;
/** As long as runc itself tries to freeze, and more. */
const pauseTimeoutMs = 30_000;
/** Writing or reading a large memory takes its time. */
export const checkpointTimeoutMs = 600_000;

export interface RuncSettings extends GlobalOptions {
  /** A name on PATH or a path. */
  readonly binary: string;
  /** Where the runtime runs: the bundle. */
  readonly directory: string;
  readonly spawn: SpawnProgram;
  /** The directory of the `criu` to use; without it the one on PATH. */
  readonly criuDirectory?: string;
  /** No call outlives this process: for one that nobody would look for the remains of. */
  readonly diesWithParent?: boolean;
}

/** stdin, stdout and stderr of the container's process. */
export type Descriptors = readonly [number, number, number];

export class Runc {
  readonly #running = new Set<RunningProgram>();

  constructor(readonly settings: RuncSettings) {}

  /** Kills the calls under way; each then fails. */
  abandonCalls(): void {
    for (const program of this.#running) program.kill();
  }

  async create(id: string, options: CreateOptions, stdio?: Descriptors): Promise<void> {
    const outcome = await this.#run(createArguments(id, options), createTimeoutMs, stdio, { movesProcesses: true });
    if (!outcome.ok) throw failure('OCI runtime create failed', outcome);
  }

  /** By system calls where the container is runc's and `init`, its process, is known; else by the binary. */
  async start(id: string, init?: CreatedInit): Promise<void> {
    if (init !== undefined && (await this.#startNatively(id, init))) return;
    const outcome = await this.#run(startArguments(id), startTimeoutMs);
    if (!outcome.ok) throw failure('OCI runtime start failed', outcome);
  }

  async exec(id: string, options: ExecOptions, stdio?: Descriptors): Promise<void> {
    const outcome = await this.#run(execArguments(id, options), execTimeoutMs, stdio, { movesProcesses: true });
    if (!outcome.ok) throw failure('OCI runtime exec failed', outcome);
  }

  async kill(id: string, signal: number, all: boolean): Promise<void> {
    const outcome = await this.#run(killArguments(id, signal, all), killTimeoutMs);
    if (!outcome.ok) throw killFailure(outcome);
  }

  /** Deletes a container that has ended with all its processes, by system calls where it is a plain one of runc's. */
  async deleteEnded(id: string, initPid: number): Promise<void> {
    const { binary, root } = this.settings;
    if (isRunc(binary) && (await deleteNatively(root, id, initPid))) return;
    await this.delete(id);
  }

  /** Idempotent: a container that the runtime does not know is deleted already. */
  async delete(id: string, force = false): Promise<void> {
    const outcome = await this.#run(deleteArguments(id, force), deleteTimeoutMs);
    const { binary, root, directory: bundle } = this.settings;
    if (outcome.ok || outcome.message.includes('does not exist')) {
      if (force) await removeLeftoverGroups(bundle);
    } else if (outcome.timedOut || !(await removeDamaged({ binary, root, id, bundle }))) {
      throw failure('failed to delete task', outcome);
    }
  }

  async pause(id: string): Promise<void> {
    const outcome = await this.#run(pauseArguments(id), pauseTimeoutMs);
    if (!outcome.ok) throw failure('OCI runtime pause failed', outcome);
  }

  async resume(id: string): Promise<void> {
    const outcome = await this.#run(resumeArguments(id), pauseTimeoutMs);
    if (!outcome.ok) throw failure('OCI runtime resume failed', outcome);
  }

  /** What the runtime or the kernel refuses is `invalid-argument`. */
  async update(id: string, resourcesFile: string): Promise<void> {
    const outcome = await this.#run(updateArguments(id, resourcesFile), updateTimeoutMs);
    if (outcome.ok) return;
    const kind: ErrorKind = outcome.timedOut ? 'deadline-exceeded' : 'invalid-argument';
    throw new BerthError(kind, `OCI runtime update failed: ${outcome.message}`);
  }

  async checkpoint(id: string, options: CheckpointOptions): Promise<void> {
    const outcome = await this.#run(checkpointArguments(id, options), checkpointTimeoutMs, undefined, this.#criu());
    if (!outcome.ok) throw criuFailure('OCI runtime checkpoint failed', outcome, join(options.workPath, 'dump.log'));
  }

  async restore(id: string, options: RestoreOptions, stdio?: Descriptors): Promise<void> {
    const outcome = await this.#run(restoreArguments(id, options), checkpointTimeoutMs, stdio, this.#criu());
    if (!outcome.ok) throw criuFailure('OCI runtime restore failed', outcome, join(options.workPath, 'restore.log'));
  }

  async #startNatively(id: string, init: CreatedInit): Promise<boolean> {
    const { binary, root } = this.settings;
    const outcome = isRunc(binary) ? await startNatively(root, id, init, startTimeoutMs) : 'other';
    if (outcome !== 'timeout') return outcome === 'started';
    const message = `OCI runtime start failed: the container's init did not run its program within ${startTimeoutMs} ms`;
    throw new BerthError('deadline-exceeded', message);
  }

  #criu(): Partial<Command> {
    const { criuDirectory } = this.settings;
    return { diesWithParent: true, ...(criuDirectory === undefined ? {} : { pathPrefix: criuDirectory }) };
  }

  #run(verb: readonly string[], timeoutMs: number, stdio?: Descriptors, how: Partial<Command> = {}): Promise<Outcome> {
    const { binary, directory, diesWithParent = false } = this.settings;
    return runCommand({
      diesWithParent,
      ...how,
      binary,
      directory,
      spawn: (start) => this.#spawn(start),
      timeoutMs,
      argumentsFor: (logFile) => [...globalArguments(this.settings, logFile), ...verb],
      ...(stdio === undefined ? {} : { stdio }),
    });
  }

  async #spawn(start: ProgramStart): Promise<RunningProgram> {
    const program = await this.settings.spawn(start);
    this.#running.add(program);
    void program.ended.then(() => this.#running.delete(program));
    return program;
  }
}

function failure(prefix: string, outcome: Outcome): BerthError {
  const kind: ErrorKind = outcome.timedOut ? 'deadline-exceeded' : 'unknown';
  return new BerthError(kind, `${prefix}: ${outcome.message}`);
}

/** CRIU's own last errors follow the runtime's, which only names the log. */
function criuFailure(prefix: string, outcome: Outcome, logFile: string): BerthError {
  const errors = criuErrors(logFile);
  const message = outcome.message.replace(/\nlog file: .*$/s, '');
  return failure(prefix, { ...outcome, message: errors === '' ? message : `${message}: ${errors}` });
}

/** As containerd's checkKillError. */
function killFailure(outcome: Outcome): BerthError {
  if (/process already finished|container not running|no such process/i.test(outcome.message)) {
    return new BerthError('not-found', 'process already finished');
  }
  if (outcome.message.includes('does not exist')) return new BerthError('not-found', 'no such container');
  return failure('unknown error after kill', outcome);
}
