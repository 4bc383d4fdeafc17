// The sinks of one process's output, as their targets ask for them, and the log drivers among them.
import type { Log } from '../../src/base/log.js';
import { messageOf } from '../../src/domain/errors.js';
import { FifoSink } from './fifo-sink.js';
import { FileSink } from './file-sink.js';
import { type DriverHost, LogDriver } from './log-driver.js';
import type { OutputSink } from './output-sink.js';
import type { StreamTarget } from './stream-target.js';

export class OutputSinks {
  readonly #host: DriverHost;
  readonly #log: Log;
  /** By URI. */
  readonly #drivers = new Map<string, LogDriver>();

  constructor(host: DriverHost, log: Log) {
    this.#host = host;
    this.#log = log;
  }

  open(name: 'stdout' | 'stderr', target: Exclude<StreamTarget, { kind: 'none' }>): OutputSink {
    switch (target.kind) {
      case 'fifo':
        return new FifoSink(target.path, this.#log);
      case 'file':
        return new FileSink(target.path, { create: target.create, log: this.#log });
      case 'driver': {
        const driver = this.#drivers.get(target.uri) ?? new LogDriver(target, this.#host, this.#log);
        this.#drivers.set(target.uri, driver);
        return driver.openSink(name);
      }
    }
  }

  /** Starts the drivers; rejects when one is not ready in time. */
  async start(): Promise<void> {
    await Promise.all([...this.#drivers.values()].map((driver) => driver.start()));
  }

  /** The same where the process is there already: what a driver that is not ready would have taken is dropped. */
  async startOrDrop(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      this.#log.error('a log driver did not start', { error: messageOf(error) });
    }
  }

  /** Resolves when every driver has ended, which they do with their streams. */
  async ended(): Promise<void> {
    await Promise.all([...this.#drivers.values()].map((driver) => driver.ended()));
  }

  /** Kills drivers that have not ended. */
  close(): void {
    for (const driver of this.#drivers.values()) driver.close();
  }
}
