// Moves a container's output from its terminal into a sink, at the sink's pace and through one buffer: nothing is read that
// the sink has no place for. A shim that is killed takes the terminal with it.
import type { OnReadOpts, Socket } from 'node:net';
import { isSystemError } from '../../src/linux/libc.js';
import type { Log } from '../../src/base/log.js';
import type { OutputSink } from './output-sink.js';

/** What a pipe holds. */
const bufferBytes = 64 * 1024;

export class OutputPump {
  /** Resolves when all is with the reader, or nobody is there to take the rest. */
  readonly drained: Promise<void>;
  readonly #source: Socket;
  readonly #sink: OutputSink;

  /** `open` makes the source's socket with the given way of reading; `readRest` reads what the socket took for the end. */
  constructor(
    open: (onread: OnReadOpts) => Socket,
    sink: OutputSink,
    log: Log,
    readRest: () => readonly Buffer[] = () => [],
  ) {
    const buffer = Buffer.allocUnsafeSlow(bufferBytes);
    const callback = (length: number): boolean => sink.write(buffer.subarray(0, length));
    const source = open({ buffer, callback });
    this.#source = source;
    this.#sink = sink;
    // The last process has closed a pseudo-terminal: Linux says EIO where other files say end.
    source.on('error', (error) => {
      if (!isSystemError(error, 'EIO')) log.warn('reading output failed', { error: error.message });
    });
    let rest: readonly Buffer[] = [];
    source.once('end', () => (rest = readRest()));
    this.drained = new Promise((resolve) => {
      source.once('close', () => resolve(pour(rest, sink)));
    });
    sink.onReady = () => source.resume();
    source.resume();
  }

  get droppedBytes(): number {
    return this.#sink.droppedBytes;
  }

  close(): void {
    this.#source.destroy();
    this.#sink.close();
  }
}

/** Writes what is left, at the sink's pace, and ends it. */
async function pour(chunks: readonly Buffer[], sink: OutputSink): Promise<void> {
  for (const chunk of chunks) {
    const ready = new Promise<void>((resolve) => {
      sink.onReady = resolve;
    });
    if (!sink.write(chunk)) await ready;
  }
  await sink.finish();
}
