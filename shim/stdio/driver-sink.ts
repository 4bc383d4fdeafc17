// Pours a stream into a log driver's pipe, at the driver's pace. What a driver that has died would have taken is dropped
// and counted, and costs the container nothing.
import { Socket } from 'node:net';
import type { Log } from '../../src/base/log.js';
import type { OutputSink } from './output-sink.js';

export class DriverSink implements OutputSink {
  onReady: () => void = () => undefined;
  readonly #socket: Socket;
  readonly #log: Log;
  #underWay = 0;
  #dropped = 0;
  #closed = false;
  #settle: (() => void) | undefined;

  /** `fd` is the pipe's write end. */
  constructor(fd: number, log: Log) {
    this.#log = log;
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', () => this.#fail());
    this.#socket.once('close', () => this.close());
  }

  get droppedBytes(): number {
    return this.#dropped;
  }

  /** That the driver is ready is awaited before the process is made. */
  readerCame(): Promise<void> {
    return Promise.resolve();
  }

  write(chunk: Buffer): boolean {
    if (this.#closed) {
      this.#dropped += chunk.length;
      return true;
    }
    this.#underWay = chunk.length;
    this.#socket.write(chunk, (error) => {
      if (error !== undefined && error !== null) return;
      this.#underWay = 0;
      this.onReady();
    });
    return false;
  }

  /** The driver sees the end of the stream. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      if (this.#closed) this.#end();
      else this.#socket.end();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dropped += this.#underWay;
    this.#socket.destroy();
    this.onReady();
    if (this.#settle !== undefined) this.#end();
  }

  /** EPIPE: the driver has gone. */
  #fail(): void {
    this.#log.warn('a log driver takes no more: its output is being dropped');
    this.close();
  }

  #end(): void {
    if (this.#dropped > 0) this.#log.warn('output that no log driver took was dropped', { bytes: this.#dropped });
    this.#settle?.();
  }
}
