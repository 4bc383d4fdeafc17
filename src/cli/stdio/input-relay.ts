// Carries one of our own streams to a process's stdin FIFO, no faster than the process takes it.
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';

export class InputRelay {
  readonly #fd: number;
  #socket: Socket | undefined;
  #source: Readable | undefined;

  /** Opened for reading too: so the open never waits, and the shim never finds a FIFO without a writer. */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Begins to copy; `onEnd` is called once all of `source` is in the FIFO and our end of it is closed. */
  start(source: Readable, onEnd: () => void): void {
    const socket = new Socket({ fd: this.#fd, readable: false, writable: true });
    this.#socket = socket;
    this.#source = source;
    // Written out already when this is called; a FIFO knows no shutdown, so it is closed.
    const finish = () => socket.write('', () => socket.destroy());
    socket.once('close', onEnd);
    socket.on('error', () => socket.destroy());
    source.once('end', finish).once('error', finish);
    source.pipe(socket, { end: false });
  }

  close(): void {
    if (this.#socket === undefined) closeSync(this.#fd);
    this.#source?.unpipe().pause();
    this.#socket?.removeAllListeners('close').destroy();
  }
}
