// Carries what a process writes from its FIFO to one of our own streams, no faster than that stream takes it.
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export class OutputRelay {
  readonly #fd: number;
  #socket: Socket | undefined;
  #ended: Promise<void> = Promise.resolve();
  #lastActivity = performance.now();
  #waitsForReader = false;
  #done = false;

  /** Opens the FIFO's read side, so that a writer finds a reader; nothing is read before `start`. */
  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /**
   * Begins to read; only once the shim has opened its side, since a FIFO without a writer reads as ended. `onBroken`
   * is told once, and why, when `destination` takes nothing any more; what comes then is read and dropped.
   */
  start(destination: Writable, onBroken: (error: unknown) => void): void {
    const socket = new Socket({ fd: this.#fd, readable: true, writable: false });
    this.#socket = socket;
    this.#ended = this.#copy(socket, destination, onBroken);
  }

  /** Resolves at the end of the stream. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  get hasEnded(): boolean {
    return this.#done;
  }

  /** How long nothing has come though there was room for it; infinite once the stream has ended. */
  get idleMs(): number {
    if (this.#done) return Number.POSITIVE_INFINITY;
    return this.#waitsForReader ? 0 : performance.now() - this.#lastActivity;
  }

  close(): void {
    if (this.#socket === undefined) closeSync(this.#fd);
    else this.#socket.destroy();
  }

  async #copy(source: Socket, destination: Writable, onBroken: (error: unknown) => void): Promise<void> {
    let broken = false;
    const markBroken = (error: unknown) => {
      if (!broken) onBroken(error);
      broken = true;
    };
    destination.on('error', markBroken);
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        this.#lastActivity = performance.now();
        if (broken || destination.write(chunk)) continue;
        this.#waitsForReader = true;
        await once(destination, 'drain').catch(markBroken);
        this.#waitsForReader = false;
        this.#lastActivity = performance.now();
      }
    } catch {
      // A FIFO fails to be read only where `close` came in between.
    } finally {
      this.#done = true;
      destination.off('error', markBroken);
    }
  }
}

/** Resolves with true when all have ended, with false when nothing has come from any for `idleLimitMs`. */
export async function drain(relays: readonly OutputRelay[], idleLimitMs: number): Promise<boolean> {
  let done = false;
  const all = Promise.all(relays.map((relay) => relay.ended)).then(() => {
    done = true;
  });
  for (;;) {
    if (done) return true;
    const idleMs = Math.min(idleLimitMs, ...relays.map((relay) => relay.idleMs));
    if (idleMs === idleLimitMs && !relays.every((relay) => relay.hasEnded)) return false;
    const timer = new AbortController();
    const nap = sleep(Math.max(1, idleLimitMs - idleMs), undefined, { signal: timer.signal });
    await Promise.race([all, nap]);
    timer.abort();
    await nap.catch(() => undefined);
  }
}
