// Runs a process (a container's init, or an exec) to its end with our own streams as its own.
import { setTimeout as sleep } from 'node:timers/promises';
import { constants } from 'node:os';
import { UndoStack } from '../base/undo-stack.js';
import { Deferred } from '../base/deferred.js';
import { TasksService } from '../generated/containerd/services/tasks/v1/tasks.js';
import { outputFailure } from './cli-error.js';
import type { Connection } from './connection.js';
import { exitCodes } from './exit-codes.js';
import { ProcessControl } from './process-control.js';
import { asksForEnd, type CaughtSignals } from './stdio/caught-signals.js';
import { makeFifoSet, removeFifosOf, type StdioPaths, type StdioWishes } from './stdio/fifo-set.js';
import { drain } from './stdio/output-relay.js';
import { ProcessStreams } from './stdio/process-streams.js';
import { enterRawMode, onTerminalResize, terminalSize } from './stdio/terminal.js';
import { type ProcessIds, waitForExit } from './wait-for-exit.js';

export interface ForegroundSettings extends ProcessIds {
  /** The daemon's socket. */
  readonly address: string;
  readonly stdio: StdioWishes;
  /** Of an exec: whose removal takes its FIFOs away. */
  readonly fifoOwner?: string;
  readonly signals: CaughtSignals;
  /** Typed at a terminal, they leave the process to itself; empty for none. */
  readonly detachKeys: Buffer;
  /** Tasks.Create or Tasks.Exec. */
  readonly create: (paths: StdioPaths) => Promise<void>;
  /** Takes the ended process away, which makes the shim close its streams. */
  readonly remove?: () => Promise<void>;
}

export interface ForegroundEnd {
  readonly code: number;
  /** The process runs on, with its FIFOs as they are. */
  readonly detached: boolean;
}

/** After the exit: a silence that long means that something else holds the streams open, such as a daemon of its own. */
const idleLimitMs = 2_000;
/** After `remove`, when the shim has closed the streams: what is still on its way. */
const closingLimitMs = 10_000;
/** From the signal that ends us, when our terminal is gone, or our reader, to SIGKILL. */
const graceMs = 10_000;

/**
 * The process's exit code, or 0 where the user has detached. Throws where it could not be started; but for a detached
 * process, nothing of its stdio is left.
 */
export async function runInForeground(connection: Connection, settings: ForegroundSettings): Promise<ForegroundEnd> {
  const process = new ForegroundProcess(connection, settings);
  return await process.run();
}

class ForegroundProcess {
  readonly #connection: Connection;
  readonly #settings: ForegroundSettings;
  readonly #control: ProcessControl;
  readonly #ended = new AbortController();
  readonly #detached = new Deferred<'detached'>();
  /** Why our standard output takes nothing any more. */
  #brokenOutput: unknown;

  constructor(connection: Connection, settings: ForegroundSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#control = new ProcessControl(connection, settings);
  }

  async run(): Promise<ForegroundEnd> {
    const { address, stdio, remove } = this.#settings;
    await using undo = new UndoStack();
    const paths = await makeFifoSet(address, stdio, this.#settings.fifoOwner);
    let detached = false;
    undo.push(async () => {
      if (!detached) await removeFifosOf(paths);
    });
    const streams = new ProcessStreams(paths);
    undo.push(() => streams.close());
    await this.#untilInterrupted(this.#settings.create(paths));
    const code = await this.#startAndWait(streams);
    detached = code === 'detached';
    if (code === 'detached') return { code: 0, detached };
    const drained = await drain(streams.outputs, idleLimitMs);
    await remove?.();
    if (!drained) await drain(streams.outputs, closingLimitMs);
    return { code: this.#brokenOutput === undefined ? code : brokenOutputCode(this.#brokenOutput), detached };
  }

  async #startAndWait(streams: ProcessStreams): Promise<number | 'detached'> {
    const { terminal, stdin } = this.#settings.stdio;
    await using undo = new UndoStack();
    await this.#control.resize(terminal ? terminalSize() : undefined);
    if (terminal && stdin) undo.push(enterRawMode());
    await this.#untilInterrupted(this.#connection.unary(TasksService.start, this.#ids));
    undo.push(this.#settings.signals.listen((signal) => this.#onSignal(signal)));
    // Not before: a shim opens its ends of an exec's FIFOs at the start.
    streams.start(terminal ? this.#settings.detachKeys : Buffer.alloc(0), {
      onBrokenOutput: (error) => this.#onBrokenOutput(error),
      onStdinEnd: () => void this.#control.closeStdin(),
      onDetach: () => this.#detached.resolve('detached'),
    });
    if (terminal) undo.push(onTerminalResize((size) => void this.#control.resize(size)));
    const exit = waitForExit(this.#connection, this.#ids, { onLost: tellLost, signal: this.#ended.signal });
    try {
      return await Promise.race([exit, this.#detached.promise]);
    } finally {
      this.#ended.abort();
      exit.catch(() => undefined);
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
    else void this.#control.kill(signal);
  }

  /** As in a shell's pipeline, where the writer dies of it. */
  #onBrokenOutput(error: unknown): void {
    this.#brokenOutput = error;
    void this.#end(constants.signals.SIGPIPE, 0);
  }

  async #end(signal: number, waitMs = graceMs): Promise<void> {
    await this.#control.kill(signal);
    try {
      await sleep(waitMs, undefined, { signal: this.#ended.signal });
      await this.#control.kill(constants.signals.SIGKILL);
    } catch {
      // It has ended.
    }
  }
}

/** A reader that has gone is what a code is for; anything else is a failure. */
export function brokenOutputCode(error: unknown): number {
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return exitCodes.brokenPipe;
  throw outputFailure(error);
}

export function tellLost(): void {
  process.stderr.write('berth: berthd is gone; waiting for it to come back\n');
}
