// Moves a container's output from its pipe or terminal into a sink, at the sink's pace.
import type { Readable } from 'node:stream';
import { isSystemError } from '../../src/linux/libc.js';
import type { Log } from '../../src/base/log.js';
import type { OutputSink } from './output-sink.js';

export class OutputPump {
  /** Resolves when all is with the reader, or nobody is there to take the rest. */
  readonly drained: Promise<void>;
  readonly #source: Readable;
  readonly #sink: OutputSink;

  constructor(source: Readable, sink: OutputSink, log: Log) {
    this.#source = source;
    this.#sink = sink;
    sink.onReady = () => source.resume();
    source.on('data', (chunk: Buffer) => {
      if (!sink.write(chunk)) source.pause();
    });
    // The last process has closed a pseudo-terminal: Linux says EIO where other files say end.
    source.on('error', (error) => {
      if (!isSystemError(error, 'EIO')) log.warn('reading output failed', { error: error.message });
    });
    this.drained = new Promise((resolve) => {
      source.once('close', () => resolve(sink.finish()));
    });
  }

  close(): void {
    this.#source.destroy();
    this.#sink.close();
  }
}
