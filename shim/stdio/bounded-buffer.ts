// A queue of chunks with a limit in bytes: when it is full, the oldest go and are counted.

export class BoundedBuffer {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #dropped = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** True when this chunk made the first bytes go. */
  push(chunk: Buffer): boolean {
    const before = this.#dropped;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length > this.#limitBytes) this.#dropOldest(this.#length - this.#limitBytes);
    return before === 0 && this.#dropped > 0;
  }

  shift(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    this.#length -= chunk?.length ?? 0;
    return chunk;
  }

  #dropOldest(excess: number): void {
    const oldest = this.#chunks[0];
    if (oldest === undefined) return;
    const gone = Math.min(excess, oldest.length);
    if (gone === oldest.length) this.#chunks.shift();
    else this.#chunks[0] = oldest.subarray(gone);
    this.#length -= gone;
    this.#dropped += gone;
  }
}
