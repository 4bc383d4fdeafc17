// A client's ends of stdio FIFOs, opened as containerd's clients do.
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { once } from 'node:events';

const { O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

export class FifoReader {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(path: string) {
    this.socket = new Socket({ fd: openSync(path, O_RDONLY | O_NONBLOCK), readable: true, writable: false });
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
    });
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** Everything up to the end of file. */
  async end(): Promise<Buffer> {
    if (!this.socket.destroyed) await once(this.socket, 'close');
    return this.bytes;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Write end of a stdin FIFO. Opened read-write, so that it opens before the shim does. */
export function openFifoWriter(path: string): Socket {
  return new Socket({ fd: openSync(path, O_RDWR | O_NONBLOCK), readable: false, writable: true });
}
