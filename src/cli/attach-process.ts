// Joins a process that runs already: its FIFOs are tied to our own streams until it ends, or we leave it to itself.
import { lstat } from 'node:fs/promises';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Deferred } from '../base/deferred.js';
import { UndoStack } from '../base/undo-stack.js';
import { BerthError } from '../domain/errors.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import type { Process } from '../generated/containerd/v1/types/task.js';
import type { Connection } from './connection.js';
import { exitCodeOfSignal } from './exit-codes.js';
import { brokenOutputCode, tellLost } from './foreground-process.js';
import { ProcessControl } from './process-control.js';
import { orUndefined } from './records.js';
import { asksForEnd, CaughtSignals } from './stdio/caught-signals.js';
import { removeFifosOf, type StdioPaths } from './stdio/fifo-set.js';
import { drain } from './stdio/output-relay.js';
import { ProcessStreams } from './stdio/process-streams.js';
import { enterRawMode, onTerminalResize, terminalSize } from './stdio/terminal.js';
import { statusName } from './task-status.js';
import { type ProcessIds, waitForExit } from './wait-for-exit.js';

export interface AttachPlan extends ProcessIds {
  readonly stdin: boolean;
  /** By default signals go to a process without a terminal; one with a terminal gets keys. */
  readonly sigProxy?: boolean;
  readonly detachKeys: Buffer;
}

/** How it came to its end: the process's, or only ours with the process going on. */
type End = { readonly by: 'exit' | 'detach' | 'signal'; readonly code: number } | { readonly broken: unknown };

/** After the exit: a silence that long means that something else holds the streams open. */
const idleLimitMs = 2_000;

/** The code that `berth` ends with: the process's own, 0 after detaching. */
export async function attachProcess(connection: Connection, plan: AttachPlan): Promise<number> {
  const found = await findProcess(connection, plan);
  const paths = await fifosOf(found, plan);
  const signals = new CaughtSignals();
  await using undo = new UndoStack();
  undo.push(() => signals.release());
  const streams = new ProcessStreams(paths);
  undo.push(() => streams.close());
  const end = await new Attachment(connection, plan, found.terminal, signals).run(streams, paths.stdin !== '');
  if ('broken' in end) return brokenOutputCode(end.broken);
  if (end.by === 'detach') process.stderr.write(`\nberth: detached from ${nameOf(plan)}\n`);
  if (end.by !== 'exit') return end.code;
  await drain(streams.outputs, idleLimitMs);
  if (plan.execId !== '') await removeExec(connection, plan, paths);
  return end.code;
}

class Attachment {
  readonly #connection: Connection;
  readonly #plan: AttachPlan;
  readonly #terminal: boolean;
  readonly #signals: CaughtSignals;
  readonly #control: ProcessControl;
  readonly #left = new Deferred<End>();

  constructor(connection: Connection, plan: AttachPlan, terminal: boolean, signals: CaughtSignals) {
    this.#connection = connection;
    this.#plan = plan;
    this.#terminal = terminal;
    this.#signals = signals;
    this.#control = new ProcessControl(connection, plan);
  }

  async run(streams: ProcessStreams, hasInput: boolean): Promise<End> {
    const over = new AbortController();
    await using undo = new UndoStack();
    undo.push(() => over.abort());
    this.#signals.throwIfInterrupted();
    undo.push(this.#signals.listen((signal) => this.#onSignal(signal)));
    if (this.#terminal && hasInput) undo.push(enterRawMode());
    if (this.#terminal) await this.#redraw();
    streams.start(this.#plan.detachKeys, {
      onBrokenOutput: (broken) => this.#left.resolve({ broken }),
      // Somebody else may attach and go on typing: the process's input stays open.
      onStdinEnd: () => undefined,
      onDetach: () => this.#left.resolve({ by: 'detach', code: 0 }),
    });
    if (this.#terminal) {
      undo.push(onTerminalResize((size) => void this.#control.resize(size)));
    }
    const exit = waitForExit(this.#connection, this.#plan, { onLost: tellLost, signal: over.signal });
    const ended = exit.then((code): End => ({ by: 'exit', code }));
    try {
      return await Promise.race([ended, this.#left.promise]);
    } finally {
      ended.catch(() => undefined);
    }
  }

  #onSignal(signal: number): void {
    // Nobody is at a terminal that has hung up.
    const proxies =
      (this.#plan.sigProxy ?? !this.#terminal) && !(this.#terminal && signal === constants.signals.SIGHUP);
    if (proxies) void this.#control.kill(signal);
    else if (asksForEnd(signal)) this.#left.resolve({ by: 'signal', code: exitCodeOfSignal(signal) });
  }

  /** A program that draws its screen does so when the size changes, so it changes twice. */
  async #redraw(): Promise<void> {
    const size = terminalSize();
    if (size === undefined) return;
    await this.#control.resize({ width: size.width + 1, height: size.height + 1 });
    await this.#control.resize(terminalSize());
  }
}

async function findProcess(connection: Connection, { containerId, execId }: AttachPlan): Promise<Process> {
  const { process } = await connection.unary(TasksService.get, { containerId, execId });
  if (process === undefined) throw new BerthError('not-found', `${nameOf({ containerId, execId })} not found`);
  return process;
}

/** Throws where the process has no streams that anybody could join; nothing is opened. */
async function fifosOf(found: Process, plan: AttachPlan): Promise<StdioPaths> {
  const paths = {
    stdin: plan.stdin ? fifoPath(found.stdin) : '',
    stdout: fifoPath(found.stdout),
    stderr: found.terminal ? '' : fifoPath(found.stderr),
  };
  const used = Object.values(paths).filter((path) => path !== '');
  if (used.length === 0) throw new BerthError('failed-precondition', `${nameOf(plan)} has no streams to attach to`);
  for (const path of used) {
    const stat = await lstat(path).catch(() => undefined);
    if (stat?.isFIFO() === true) continue;
    const status = statusName(found.status);
    const why = stat === undefined ? `it is ${status} and ${path} is gone` : `its stream ${path} is no FIFO`;
    throw new BerthError('failed-precondition', `cannot attach to ${nameOf(plan)}: ${why}`);
  }
  return paths;
}

function fifoPath(uri: string): string {
  return /^(?:fifo|file):\/\//.test(uri) ? fileURLToPath(uri.replace(/^fifo:/, 'file:')) : uri;
}

/** As `berth exec` does at its end. */
async function removeExec(connection: Connection, { containerId, execId }: AttachPlan, paths: StdioPaths) {
  await orUndefined(async () => await connection.unary(TasksService.deleteProcess, { containerId, execId }));
  await removeFifosOf(paths);
}

function nameOf({ containerId, execId }: ProcessIds): string {
  return execId === '' ? `container ${containerId}` : `exec ${execId} of container ${containerId}`;
}
