// Stdio of a process with a terminal: the pseudo-terminal's master, which runc sends over the console socket, between the
// client's stdin and stdout.
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { OnReadOpts } from 'node:net';
import { ReadStream } from 'node:tty';
import { poll } from '../../src/base/deadline.js';
import { BerthError } from '../../src/domain/errors.js';
import { ConsoleSocket } from '../../src/linux/console-socket.js';
import { isSystemError } from '../../src/linux/libc.js';
import { setNonBlocking } from '../../src/linux/pipe.js';
import { setWindowSize, type WindowSize } from '../../src/linux/terminal.js';
import { openInput, type InputSource } from './input-source.js';
import { OutputPump } from './output-pump.js';
import type { OutputSink } from './output-sink.js';
import { OutputSinks } from './output-sinks.js';
import type { IoOptions, ProcessIo } from './process-io.js';
import { streamTarget } from './stream-target.js';
import { feedTerminal } from './feed-terminal.js';

/** runc has sent the master before it returns; this is for runtimes that are less prompt. */
const masterTimeoutMs = 5000;
const masterPollMs = 5;
/** What the kernel's line discipline holds. */
const terminalReadBytes = 4096;

let counter = 0;

export class TerminalIo implements ProcessIo {
  readonly descriptors = undefined;
  /** A terminal dies with the shim that has its master. */
  readonly inodes = {};
  readonly drained: Promise<void>;
  readonly #options: IoOptions;
  readonly #sinks: OutputSinks;
  readonly #socket: ConsoleSocket;
  #drain: (drained: Promise<void>) => void = () => undefined;
  #input: InputSource | undefined;
  #sink: OutputSink | undefined;
  #master: { readonly fd: number; readonly stream: ReadStream } | undefined;
  #pump: OutputPump | undefined;
  #size: WindowSize | undefined;
  #closed = false;

  constructor(options: IoOptions) {
    this.#options = options;
    this.#sinks = new OutputSinks(options, options.log);
    this.drained = new Promise((resolve) => {
      this.#drain = resolve;
    });
    this.#socket = new ConsoleSocket(`console-${process.pid}-${++counter}.sock`);
    try {
      const stdin = streamTarget('stdin', options.stdio.stdin);
      const stdout = streamTarget('stdout', options.stdio.stdout);
      if (stdin.kind !== 'none') this.#input = openInput(stdin);
      if (stdout.kind !== 'none') this.#sink = this.#sinks.open('stdout', stdout);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get droppedBytes(): number {
    return this.#sink?.droppedBytes ?? 0;
  }

  get consoleSocket(): string {
    return this.#socket.path;
  }

  prepare(): Promise<void> {
    return this.#sinks.start();
  }

  async attach(): Promise<void> {
    const fd = await this.#receiveMaster();
    setNonBlocking(fd);
    if (this.#size !== undefined) setWindowSize(fd, this.#size);
    const open = (onread: OnReadOpts): ReadStream => {
      // The types know of onread for connections only.
      const options = { readable: true, onread };
      const master = new ReadStream(fd, options);
      this.#master = { fd, stream: master };
      if (this.#input !== undefined) feedTerminal(master, fd, this.#input.stream, this.#options.log);
      return master;
    };
    this.#pump = new OutputPump(open, this.#sink ?? discard(), this.#options.log, () => readToEnd(fd));
    this.#drain(this.#pump.drained.then(() => this.#sinks.ended()));
  }

  async readersCame(): Promise<void> {
    await this.#sink?.readerCame();
  }

  closeStdin(): void {
    this.#input?.release();
  }

  resize(size: WindowSize): void {
    this.#size = size;
    // Its descriptor is closed, and perhaps another's, well before the stream says so.
    if (this.#master?.stream.destroyed === false) setWindowSize(this.#master.fd, size);
  }

  exited(): void {
    this.#input?.stream.destroy();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.exited();
    if (this.#pump === undefined) this.#sink?.close();
    this.#pump?.close();
    this.#sinks.close();
    this.#drain(Promise.resolve());
  }

  async #receiveMaster(): Promise<number> {
    try {
      const fd = await poll(() => this.#socket.receiveMaster(), {
        limitMs: masterTimeoutMs,
        intervalMs: masterPollMs,
        what: 'console master',
      });
      if (fstatSync(fd).isCharacterDevice()) return fd;
      closeSync(fd);
      throw new BerthError('internal', 'the runtime sent something that is no terminal over the console socket');
    } finally {
      this.#socket.close();
    }
  }
}

/**
 * Reads what is left in a terminal that every process has closed. A terminal gives at most 4 KiB at a time, which libuv,
 * once the other side has hung up, takes for a short read and thus for the last one.
 */
function readToEnd(fd: number): Buffer[] {
  const chunks: Buffer[] = [];
  try {
    for (;;) {
      const chunk = Buffer.alloc(terminalReadBytes);
      const length = readSync(fd, chunk);
      if (length === 0) return chunks;
      chunks.push(chunk.subarray(0, length));
    }
  } catch (error) {
    // EIO is the end; EAGAIN, that somebody has opened it again.
    if (!isSystemError(error, 'EIO', 'EAGAIN')) throw error;
    return chunks;
  }
}

/** Nobody wants the output, but the process must not block on it. */
function discard(): OutputSink {
  return { droppedBytes: 0, write: () => true, onReady: nothing, readerCame: done, finish: done, close: nothing };
}

function nothing(): void {
  // Nobody is told.
}

function done(): Promise<void> {
  return Promise.resolve();
}
