// A gate that many may be inside of at once, or one alone. First come, first served: whoever waits to be alone is not
// overtaken. Not reentrant: work inside must not ask for the gate again.

interface Waiting {
  readonly alone: boolean;
  readonly enter: () => void;
}

export class Gate {
  #inside = 0;
  #alone = false;
  #waiting: Waiting[] = [];

  /** Runs `work` beside others; its outcome is the caller's. */
  shared<T>(work: () => Promise<T>): Promise<T> {
    return this.#run(false, work);
  }

  /** Runs `work` once everybody who came before has left, and keeps everybody else out meanwhile. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#run(true, work);
  }

  async #run<T>(alone: boolean, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((enter) => {
      this.#waiting.push({ alone, enter });
      this.#admit();
    });
    try {
      return await work();
    } finally {
      this.#inside--;
      this.#alone = false;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#alone || (next.alone && this.#inside > 0)) return;
      this.#waiting.shift();
      this.#inside++;
      this.#alone = next.alone;
      next.enter();
    }
  }
}
