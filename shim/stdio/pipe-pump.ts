// Moves a container's output from its pipe into a sink, at the sink's pace, and so that a shim that is killed anywhere on the
// way loses none of it: bytes go from pipe to FIFO within the kernel, or stay in the pipe until they are written elsewhere.
// The next shim finds the pipe with what is left.
import { closeSync, readSync } from 'node:fs';
import { failpoint } from '../../src/base/failpoint.js';
import type { Log } from '../../src/base/log.js';
import { messageOf } from '../../src/domain/errors.js';
import { copyBetweenPipes, moveBetweenPipes, openPipe, type PipeEnds, unreadBytes } from '../../src/linux/pipe.js';
import { Readiness } from '../../src/linux/readiness.js';
import { DeliveryNote } from './delivery-note.js';
import type { OutputSink } from './output-sink.js';
import { RoomWatch } from './room-watch.js';

/** What a pipe holds. */
const bufferBytes = 64 * 1024;
/** Moves in one go before others in this process have their turn. */
const movesAtOnce = 16;

export class PipePump {
  /** Resolves when all is with the reader, or nobody is there to take the rest. */
  readonly drained: Promise<void>;
  readonly #fd: number;
  readonly #sink: OutputSink;
  readonly #log: Log;
  readonly #readiness: Readiness;
  readonly #note: DeliveryNote | undefined;
  #room: RoomWatch | undefined;
  #peek: { readonly ends: PipeEnds; readonly buffer: Buffer } | undefined;
  /** The pipe's first bytes while the sink has not done with them. */
  #underWay: Buffer | undefined;
  /** What a dead shim had begun is looked for once. */
  #isFirst = true;
  #closed = false;
  #settle: () => void = () => undefined;

  /** Takes the pipe's read end over. */
  constructor(fd: number, sink: OutputSink, log: Log) {
    this.#fd = fd;
    this.#sink = sink;
    this.#log = log;
    this.#readiness = new Readiness(fd, 'readable', () => this.#pump());
    this.#note = sink.file === undefined ? undefined : DeliveryNote.open(fd, sink.file, log);
    sink.onReady = () => this.#taken();
    this.drained = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#readiness.start();
  }

  get droppedBytes(): number {
    return this.#sink.droppedBytes;
  }

  close(): void {
    this.#release();
    this.#sink.close();
    this.#settle();
  }

  #pump(): void {
    try {
      for (let moves = 0; moves < movesAtOnce && !this.#closed && this.#underWay === undefined; moves++) {
        const length = this.#move();
        if (length === undefined) return;
        if (length === 0) return this.#end();
      }
    } catch (error) {
      this.#log.warn('reading output failed', { error: messageOf(error) });
      this.#end();
    }
  }

  /** Bytes moved; 0 at the end, undefined when none can be moved now. */
  #move(): number | undefined {
    const { fifo } = this.#sink;
    if (fifo === undefined) return this.#hand();
    const moved = moveBetweenPipes(this.#fd, fifo.fd, bufferBytes);
    if (moved !== undefined) return moved;
    if (unreadBytes(this.#fd) === 0) return undefined;
    // The FIFO is full. A reader makes room; where there is none, the sink knows what to keep.
    if (!fifo.hasReader()) return this.#hand();
    this.#waitForRoom(fifo.fd);
    return undefined;
  }

  #waitForRoom(fifo: number): void {
    this.#readiness.stop();
    this.#room ??= new RoomWatch(fifo, () => this.#readiness.start());
    this.#room.start();
  }

  #hand(): number | undefined {
    const { ends, buffer } = (this.#peek ??= { ends: openPipe(), buffer: Buffer.allocUnsafeSlow(bufferBytes) });
    const length = copyBetweenPipes(this.#fd, ends.write, bufferBytes);
    if (length === undefined || length === 0) return length;
    const bytes = buffer.subarray(0, length);
    readSync(ends.read, bytes, 0, length, null);
    const known = this.#isFirst ? (this.#note?.taken(bytes) ?? 0) : 0;
    this.#isFirst = false;
    if (known > 0) {
      this.#note?.end();
      this.#consume(bytes.subarray(0, known));
      return known;
    }
    this.#note?.begin(length);
    failpoint('shim.output-noted');
    this.#underWay = bytes;
    if (this.#sink.write(bytes)) this.#taken();
    else this.#readiness.stop();
    return length;
  }

  /** The sink has done with what it was handed. */
  #taken(): void {
    if (this.#closed) return;
    if (this.#underWay !== undefined) {
      failpoint('shim.output-written');
      this.#note?.end();
      this.#consume(this.#underWay);
      this.#underWay = undefined;
    }
    this.#readiness.start();
  }

  /** They are the pipe's first: nobody else reads it. */
  #consume(bytes: Buffer): void {
    for (let left = bytes.length; left > 0; ) left -= readSync(this.#fd, bytes, 0, left, null);
  }

  #end(): void {
    this.#release();
    void this.#sink.finish().then(this.#settle);
  }

  #release(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#readiness.close();
    closeSync(this.#fd);
    this.#room?.close();
    this.#note?.close();
    if (this.#peek === undefined) return;
    closeSync(this.#peek.ends.read);
    closeSync(this.#peek.ends.write);
  }
}
