// Runs a process (a container's init, or an exec) to its end with our own streams as its own.
import { setTimeout as sleep } from 'node:timers/promises';
import { constants } from 'node:os';
import { UndoStack } from '../base/undo-stack.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import { outputFailure } from './cli-error.js';
import type { Connection } from './connection.js';
import { exitCodes } from './exit-codes.js';
import { asksForEnd, type CaughtSignals } from './stdio/caught-signals.js';
import { makeFifoSet, removeFifosOf, type StdioPaths, type StdioWishes } from './stdio/fifo-set.js';
import { InputRelay } from './stdio/input-relay.js';
import { drain, OutputRelay } from './stdio/output-relay.js';
import { enterRawMode, onTerminalResize, type TerminalSize, terminalSize } from './stdio/terminal.js';
import { type ProcessIds, waitForExit } from './wait-for-exit.js';

export interface ForegroundSettings extends ProcessIds {
  /** The daemon's socket. */
  readonly address: string;
  readonly stdio: StdioWishes;
  readonly signals: CaughtSignals;
  /** Tasks.Create or Tasks.Exec. */
  readonly create: (paths: StdioPaths) => Promise<void>;
  /** Takes the ended process away, which makes the shim close its streams. */
  readonly remove?: () => Promise<void>;
}

/** After the exit: a silence that long means that something else holds the streams open, such as a daemon of its own. */
const idleLimitMs = 2_000;
/** After `remove`, when the shim has closed the streams: what is still on its way. */
const closingLimitMs = 10_000;
/** From the signal that ends us, when our terminal is gone, or our reader, to SIGKILL. */
const graceMs = 10_000;

/** The process's exit code. Throws where it could not be started; nothing of its stdio is left then or later. */
export async function runInForeground(connection: Connection, settings: ForegroundSettings): Promise<number> {
  const process = new ForegroundProcess(connection, settings);
  return await process.run();
}

class ForegroundProcess {
  readonly #connection: Connection;
  readonly #settings: ForegroundSettings;
  readonly #ended = new AbortController();
  /** Why our standard output takes nothing any more. */
  #brokenOutput: unknown;

  constructor(connection: Connection, settings: ForegroundSettings) {
    this.#connection = connection;
    this.#settings = settings;
  }

  async run(): Promise<number> {
    const { address, stdio, remove } = this.#settings;
    await using undo = new UndoStack();
    const paths = await makeFifoSet(address, stdio);
    undo.push(async () => await removeFifosOf(paths));
    const streams = new Streams(paths);
    undo.push(() => streams.close());
    await this.#untilInterrupted(this.#settings.create(paths));
    const code = await this.#startAndWait(streams);
    const drained = await drain(streams.outputs, idleLimitMs);
    await remove?.();
    if (!drained) await drain(streams.outputs, closingLimitMs);
    return this.#brokenOutput === undefined ? code : brokenOutputCode(this.#brokenOutput);
  }

  async #startAndWait(streams: Streams): Promise<number> {
    const { terminal, stdin } = this.#settings.stdio;
    await using undo = new UndoStack();
    await this.#resize(terminal ? terminalSize() : undefined);
    if (terminal && stdin) undo.push(enterRawMode());
    await this.#untilInterrupted(this.#connection.unary(TasksService.start, this.#ids));
    undo.push(this.#settings.signals.listen((signal) => this.#onSignal(signal)));
    // Not before: a shim opens its ends of an exec's FIFOs at the start.
    streams.start(
      (error) => this.#onBrokenOutput(error),
      () => void this.#closeStdin(),
    );
    if (terminal) undo.push(onTerminalResize((size) => void this.#resize(size)));
    try {
      return await waitForExit(this.#connection, this.#ids, tellLost);
    } finally {
      this.#ended.abort();
    }
  }

  get #ids(): ProcessIds {
    return { containerId: this.#settings.containerId, execId: this.#settings.execId };
  }

  /** A signal that came meanwhile counts more than how `work` went: what it made is taken away either way. */
  async #untilInterrupted(work: Promise<unknown>): Promise<void> {
    const { signals } = this.#settings;
    try {
      await work;
    } catch (error) {
      signals.throwIfInterrupted();
      throw error;
    }
    signals.throwIfInterrupted();
  }

  #onSignal(signal: number): void {
    // Without its terminal the process has nobody to work for.
    if (this.#settings.stdio.terminal && asksForEnd(signal)) void this.#end(signal);
    else void this.#kill(signal);
  }

  /** As in a shell's pipeline, where the writer dies of it. */
  #onBrokenOutput(error: unknown): void {
    this.#brokenOutput = error;
    void this.#end(constants.signals.SIGPIPE, 0);
  }

  async #end(signal: number, waitMs = graceMs): Promise<void> {
    await this.#kill(signal);
    try {
      await sleep(waitMs, undefined, { signal: this.#ended.signal });
      await this.#kill(constants.signals.SIGKILL);
    } catch {
      // It has ended.
    }
  }

  /** What cannot be delivered is told by the process's end, or by the connection's. */
  async #kill(signal: number): Promise<void> {
    await this.#connection.unary(TasksService.kill, { ...this.#ids, signal, all: false }).catch(() => undefined);
  }

  async #closeStdin(): Promise<void> {
    await this.#connection.unary(TasksService.closeIo, { ...this.#ids, stdin: true }).catch(() => undefined);
  }

  async #resize(size: TerminalSize | undefined): Promise<void> {
    if (size === undefined) return;
    await this.#connection.unary(TasksService.resizePty, { ...this.#ids, ...size }).catch(() => undefined);
  }
}

/** A reader that has gone is what a code is for; anything else is a failure. */
function brokenOutputCode(error: unknown): number {
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return exitCodes.brokenPipe;
  throw outputFailure(error);
}

function tellLost(): void {
  process.stderr.write('berth: berthd is gone; waiting for it to come back\n');
}

/** Our ends of the process's FIFOs. */
class Streams {
  readonly outputs: readonly OutputRelay[];
  readonly #stdout: OutputRelay;
  readonly #stderr: OutputRelay | undefined;
  readonly #stdin: InputRelay | undefined;

  constructor({ stdin, stdout, stderr }: StdioPaths) {
    this.#stdout = new OutputRelay(stdout);
    this.#stderr = stderr === '' ? undefined : new OutputRelay(stderr);
    this.#stdin = stdin === '' ? undefined : new InputRelay(stdin);
    this.outputs = this.#stderr === undefined ? [this.#stdout] : [this.#stdout, this.#stderr];
  }

  start(onBroken: (error: unknown) => void, onStdinEnd: () => void): void {
    this.#stdout.start(process.stdout, onBroken);
    this.#stderr?.start(process.stderr, () => undefined);
    this.#stdin?.start(process.stdin, onStdinEnd);
  }

  close(): void {
    for (const relay of [...this.outputs, this.#stdin]) relay?.close();
  }
}
