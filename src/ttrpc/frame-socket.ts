// A socket that carries frames: what both ends of a connection have in common. No error of the socket leaves it but
// as the reason given to `closed`.
import type { Duplex } from 'node:stream';
import { BerthError, isBerthError, messageOf } from '../domain/errors.js';
import { FrameDecoder, type FrameSink } from './frame-decoder.js';

export interface FrameSocketEvents extends FrameSink {
  /** Called once. `reason` is undefined where this side closed the socket. */
  closed(reason: BerthError | undefined): void;
}

export class FrameSocket {
  readonly #socket: Duplex;
  readonly #peer: string;
  #state: 'open' | 'ending' | 'closed' = 'open';
  #reason: BerthError | undefined;
  #drained: Promise<void> | undefined;

  /** `peer` names the other end in errors. */
  constructor(socket: Duplex, peer: string, events: FrameSocketEvents) {
    this.#socket = socket;
    this.#peer = peer;
    const decoder = new FrameDecoder({
      frame: (header, payload) => {
        if (this.#state === 'open') events.frame(header, payload);
      },
      oversize: (header) => {
        if (this.#state === 'open') events.oversize(header);
      },
    });
    socket.on('data', (chunk: Buffer) => this.#receive(decoder, chunk));
    socket.on('end', () => this.#lose(new BerthError('unavailable', `${peer} closed the connection`)));
    socket.on('error', (error) =>
      this.#lose(new BerthError('unavailable', `lost ${peer}: ${error.message}`, { cause: error })),
    );
    const onClose = (): void => {
      if (this.#state === 'open') this.#reason ??= new BerthError('unavailable', `${peer} closed the connection`);
      this.#state = 'closed';
      events.closed(this.#reason);
    };
    // A socket that was closed before it came here tells nobody any more.
    if (socket.closed) process.nextTick(onClose);
    else socket.on('close', onClose);
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Frames that the socket has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  send(frame: Uint8Array): void {
    if (this.#state === 'open' && this.#socket.writable) this.#socket.write(frame);
  }

  /** A wait until the socket takes more, or is closed; undefined where it takes more now. */
  drained(): Promise<void> | undefined {
    if (this.#state === 'closed' || !this.#socket.writableNeedDrain) return undefined;
    this.#drained ??= new Promise((resolve) => {
      const settle = (): void => {
        this.#socket.off('drain', settle).off('close', settle);
        this.#drained = undefined;
        resolve();
      };
      this.#socket.once('drain', settle).once('close', settle);
    });
    return this.#drained;
  }

  setPaused(paused: boolean): void {
    if (this.#state !== 'open') return;
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Sends what is queued, for at most `limitMs`, then closes. */
  end(limitMs: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    const timer = setTimeout(() => this.#socket.destroy(), limitMs);
    this.#socket.once('close', () => clearTimeout(timer));
    // What still comes in is read and dropped: bytes unread at close would reset the peer.
    this.#socket.resume();
    this.#socket.end(() => this.#socket.destroy());
  }

  destroy(reason?: BerthError): void {
    if (this.#state === 'closed') return;
    this.#state = 'ending';
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  #receive(decoder: FrameDecoder, chunk: Buffer): void {
    if (this.#state !== 'open') return;
    try {
      decoder.push(chunk);
    } catch (error) {
      const kind = isBerthError(error) ? error.kind : 'internal';
      this.#lose(new BerthError(kind, `${this.#peer}: ${messageOf(error)}`, { cause: error }));
    }
  }

  #lose(reason: BerthError): void {
    if (this.#state === 'open') this.destroy(reason);
  }
}
