// Decides when a connection is read no further. ttrpc has no flow control per stream: to hold back the sender of one
// stream is to hold back all that shares its socket. So it is done only while nobody here waits for an answer, unless
// the backlog is extreme; and who holds the gate is bound to let go or to fail within a time limit.

export type Pressure = 'none' | 'soft' | 'hard';

export class ReadGate {
  readonly #setPaused: (paused: boolean) => void;
  readonly #holders = new Map<object, Pressure>();
  #waitingCalls = 0;
  #paused = false;

  constructor(setPaused: (paused: boolean) => void) {
    this.#setPaused = setPaused;
  }

  /** `soft` yields to a waiting call, `hard` does not. */
  hold(holder: object, pressure: Pressure): void {
    if (pressure === 'none') this.#holders.delete(holder);
    else this.#holders.set(holder, pressure);
    this.#update();
  }

  callStarted(): void {
    this.#waitingCalls += 1;
    if (this.#holders.size > 0) this.#update();
  }

  callEnded(): void {
    this.#waitingCalls -= 1;
    if (this.#holders.size > 0) this.#update();
  }

  #update(): void {
    const paused = this.#isHeldHard() || (this.#holders.size > 0 && this.#waitingCalls === 0);
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#setPaused(paused);
  }

  #isHeldHard(): boolean {
    for (const pressure of this.#holders.values()) if (pressure === 'hard') return true;
    return false;
  }
}
