// Carries one of our own streams to a process's stdin FIFO, no faster than the process takes it.
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { DetachFilter } from './detach-filter.js';

export interface Detaching {
  readonly filter: DetachFilter;
  /** Called in the place of `onEnd` once all that came before the keys is in the FIFO. */
  readonly onDetach: () => void;
}

export class InputRelay {
  readonly #fd: number;
  #socket: Socket | undefined;
  #source: Readable | undefined;

  /** Opened for reading too: so the open never waits, and the shim never finds a FIFO without a writer. */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Begins to copy; `onEnd` is called once all of `source` is in the FIFO and our end of it is closed. */
  start(source: Readable, onEnd: () => void, detaching?: Detaching): void {
    const socket = new Socket({ fd: this.#fd, readable: false, writable: true });
    this.#socket = socket;
    this.#source = source;
    const filter = detaching?.filter;
    // Written out already when this is called; a FIFO knows no shutdown, so it is closed.
    const finish = () => socket.write('', () => socket.destroy());
    socket.once('close', () => {
      if (filter?.detached === true) detaching?.onDetach();
      else onEnd();
    });
    socket.on('error', () => socket.destroy());
    const input = filter === undefined ? source : source.pipe(filter);
    input.once('end', finish);
    source.once('error', finish);
    input.pipe(socket, { end: false });
  }

  close(): void {
    if (this.#socket === undefined) closeSync(this.#fd);
    this.#source?.unpipe().pause();
    this.#socket?.removeAllListeners('close').destroy();
  }
}
