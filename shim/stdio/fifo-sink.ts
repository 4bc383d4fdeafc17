// Pours a stream into a client's FIFO so that neither side can hurt the other. A reader that goes away costs nobody an
// EPIPE, since a read end of our own keeps the FIFO alive; a slow reader slows the container down; and when the FIFO is
// full and nobody reads, the newest bytes are kept in a bounded buffer and the oldest are dropped and counted.
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../src/base/log.js';
import { isSystemError } from '../../src/linux/libc.js';
import { unreadBytes } from '../../src/linux/pipe.js';
import { BoundedBuffer } from './bounded-buffer.js';
import type { OpenFifo, OutputSink } from './output-sink.js';

/** Kept for a reader that may come back, beyond the 64 KiB that the FIFO itself holds. */
const absentReaderBufferBytes = 256 * 1024;
/** How often a stalled or finished FIFO is looked at: has the reader gone, has one come? */
const readerCheckMs = 250;
/** A client opens its end before it asks for the process, so this is for a machine that is busy. */
const firstReaderLimitMs = 1000;
const firstReaderPollMs = 2;

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export class FifoSink implements OutputSink, OpenFifo {
  onReady: () => void = () => undefined;
  readonly #socket: Socket;
  readonly #writeFd: number;
  #keeperFd: number;
  readonly #backlog = new BoundedBuffer(absentReaderBufferBytes);
  readonly #log: Log;
  /** The socket holds bytes that the full FIFO has not taken. */
  #stalled = false;
  #paused = false;
  #finishing = false;
  #closed = false;
  #lost = 0;
  #readerSeen = false;
  #timer: NodeJS.Timeout | undefined;
  #settle: (() => void) | undefined;

  constructor(path: string, log: Log) {
    this.#log = log.child({ path });
    this.#keeperFd = openSync(path, O_RDONLY | O_NONBLOCK);
    try {
      this.#writeFd = openSync(path, O_WRONLY | O_NONBLOCK);
    } catch (error) {
      closeSync(this.#keeperFd);
      throw error;
    }
    this.#socket = new Socket({ fd: this.#writeFd, readable: false, writable: true });
    this.hasReader();
    this.#socket.on('error', (error) => {
      this.#log.warn('writing to a FIFO failed', { error: error.message });
      this.close();
    });
  }

  get droppedBytes(): number {
    return this.#closed ? this.#lost : this.#backlog.dropped;
  }

  get fifo(): OpenFifo | undefined {
    return this.#stalled || this.#closed ? undefined : this;
  }

  get fd(): number {
    return this.#writeFd;
  }

  /**
   * Resolves once a reader has opened the FIFO, or after a while without one. Go's clients open it in the background and
   * give an open that is not through up when the process has ended: a short process's output would be lost to them.
   */
  async readerCame(): Promise<void> {
    const end = performance.now() + firstReaderLimitMs;
    while (!this.#closed && !this.hasReader() && performance.now() < end) await sleep(firstReaderPollMs);
  }

  write(chunk: Buffer): boolean {
    if (this.#closed) return true;
    if (this.#stalled) return this.#keep(Buffer.from(chunk));
    const rest = chunk.subarray(this.#writeNow(chunk));
    if (rest.length === 0) return true;
    this.#send(Buffer.from(rest));
    return this.hasReader() ? this.#pause() : true;
  }

  finish(): Promise<void> {
    this.#finishing = true;
    return new Promise((resolve) => {
      this.#settle = resolve;
      if (this.#closed) resolve();
      else this.#look();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#lost = this.#backlog.dropped + this.#backlog.length + this.#socket.writableLength;
    if (this.#lost > 0) this.#log.warn('output that nobody read was dropped', { bytes: this.#lost });
    this.#socket.destroy();
    this.#closeKeeper();
    this.#settle?.();
    this.onReady();
  }

  /**
   * Whether anybody but us has the FIFO open for reading: without our own read end, opening it for writing fails.
   * Nothing is lost meanwhile, since our write end keeps the FIFO's bytes, and no byte is written.
   */
  hasReader(): boolean {
    // Reached through the descriptor, since the client may have removed the name.
    const path = `/proc/self/fd/${this.#writeFd}`;
    this.#closeKeeper();
    try {
      closeSync(openSync(path, O_WRONLY | O_NONBLOCK));
      this.#readerSeen = true;
      return true;
    } catch (error) {
      if (!isSystemError(error, 'ENXIO')) throw error;
      return false;
    } finally {
      this.#keeperFd = openSync(path, O_RDONLY | O_NONBLOCK);
    }
  }

  #closeKeeper(): void {
    if (this.#keeperFd >= 0) closeSync(this.#keeperFd);
    this.#keeperFd = -1;
  }

  /** Bytes that the FIFO has room for. */
  #writeNow(chunk: Buffer): number {
    try {
      return writeSync(this.#writeFd, chunk);
    } catch (error) {
      if (isSystemError(error, 'EAGAIN')) return 0;
      throw error;
    }
  }

  /** The FIFO is full: the socket writes the chunk when there is room. */
  #send(chunk: Buffer): void {
    this.#stalled = true;
    this.#socket.write(chunk, () => this.#sent());
    this.#watch();
  }

  /** The FIFO has taken what the socket held. */
  #sent(): void {
    if (this.#closed) return;
    this.#stalled = false;
    const next = this.#backlog.shift();
    if (next !== undefined) {
      this.#send(next);
      return;
    }
    if (this.#paused) this.#resume();
    if (this.#finishing) this.#look();
    else this.#unwatch();
  }

  /** Nobody reads: keep what fits. */
  #keep(chunk: Buffer): boolean {
    if (this.#backlog.push(chunk)) this.#log.warn('nobody reads a FIFO: its oldest output is being dropped');
    return true;
  }

  #pause(): boolean {
    this.#paused = true;
    return false;
  }

  #resume(): void {
    this.#paused = false;
    this.onReady();
  }

  #watch(): void {
    this.#timer ??= setInterval(() => this.#look(), readerCheckMs);
  }

  #unwatch(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks after a FIFO that is stalled, or whose source has ended. */
  #look(): void {
    if (this.#closed) return;
    const present = this.hasReader();
    if (this.#paused && !present) this.#resume();
    if (!this.#finishing) return;
    const written = !this.#stalled && this.#backlog.length === 0;
    // What lies in the FIFO lives as long as one end is open: a reader's, else ours.
    if (written && (present || (this.#readerSeen && unreadBytes(this.#keeperFd) === 0))) return this.close();
    if (!present) this.#settle?.();
    this.#watch();
  }
}
