// A foreign shim's log: the FIFO `log` of the bundle, which the contract has it write to, emptied into a file of bounded size.
import { appendFileSync, closeSync, constants, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { makeFifo } from '../../linux/fifo.js';
import { foreignLogFile } from '../bundle.js';

/** Bytes of one file. */
const maxLogBytes = 1024 * 1024;

export class ShimLog {
  readonly #socket: Socket;
  readonly #path: string;
  #bytes: number;

  private constructor(fifo: number, path: string) {
    this.#path = path;
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#socket = new Socket({ fd: fifo, readable: true, writable: false });
    this.#socket.on('data', (bytes: Buffer) => this.#append(bytes));
    this.#socket.on('error', () => undefined);
    this.#socket.unref();
  }

  /** Opened at both ends, so that neither side waits for the other and the shim's end is no end of file. */
  static open(bundle: string): ShimLog {
    const fifo = join(bundle, 'log');
    if (!existsSync(fifo)) makeFifo(fifo, 0o600);
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      return new ShimLog(fd, join(bundle, foreignLogFile));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  /** A shim that logs must not be held up by a full disk: what cannot be written is lost. */
  #append(bytes: Buffer): void {
    try {
      if (this.#bytes > maxLogBytes) this.#rotate();
      appendFileSync(this.#path, bytes, { mode: 0o600 });
      this.#bytes += bytes.length;
    } catch {
      // The disk is full, or the bundle gone.
    }
  }

  #rotate(): void {
    renameSync(this.#path, `${this.#path}.1`);
    this.#bytes = 0;
  }
}
