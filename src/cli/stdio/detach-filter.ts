// Watches what is typed for the detach keys. Keys that may be the begin of them are held back until it shows.
import { Transform, type TransformCallback } from 'node:stream';

/** Ends when the keys have been typed, with `detached` set; they themselves, and what follows them, go nowhere. */
export class DetachFilter extends Transform {
  readonly #keys: Buffer;
  #held = 0;
  #detached = false;

  constructor(keys: Buffer) {
    super();
    this.#keys = keys;
  }

  get detached(): boolean {
    return this.#detached;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (!this.#detached) this.#take(chunk);
    done();
  }

  override _flush(done: TransformCallback): void {
    // What was held back was not the keys after all.
    if (!this.#detached && this.#held > 0) this.push(this.#keys.subarray(0, this.#held));
    done();
  }

  #take(chunk: Buffer): void {
    const typed = Buffer.concat([this.#keys.subarray(0, this.#held), chunk]);
    const at = this.#keys.length === 0 ? -1 : typed.indexOf(this.#keys);
    const heldFrom = at < 0 ? typed.length - this.#lengthOfBegin(typed) : at;
    if (heldFrom > 0) this.push(typed.subarray(0, heldFrom));
    this.#held = typed.length - heldFrom;
    if (at < 0) return;
    this.#detached = true;
    this.push(null);
  }

  /** Of the longest end of `typed` that the keys begin with. */
  #lengthOfBegin(typed: Buffer): number {
    for (let length = Math.min(typed.length, this.#keys.length - 1); length > 0; length--) {
      if (typed.subarray(-length).equals(this.#keys.subarray(0, length))) return length;
    }
    return 0;
  }
}
