// Tells when a full FIFO has room again, or when it is time to look whether its reader is still there.
import { closeSync, constants, openSync } from 'node:fs';
import { Readiness } from '../../src/linux/readiness.js';

/** A reader that goes makes no room, and says nothing. */
const readerCheckMs = 250;
const { O_NONBLOCK, O_WRONLY } = constants;

export class RoomWatch {
  readonly #fd: number;
  readonly #readiness: Readiness;
  readonly #onRoom: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `fifo` is watched through a descriptor of its own: its socket may watch that one. */
  constructor(fifo: number, onRoom: () => void) {
    this.#onRoom = onRoom;
    this.#fd = openSync(`/proc/self/fd/${fifo}`, O_WRONLY | O_NONBLOCK);
    this.#readiness = new Readiness(this.#fd, 'writable', () => this.#found());
  }

  /** `onRoom` is called once. */
  start(): void {
    this.#readiness.start();
    this.#timer ??= setTimeout(() => this.#found(), readerCheckMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#readiness.close();
    closeSync(this.#fd);
  }

  #found(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#readiness.stop();
    this.#onRoom();
  }
}
