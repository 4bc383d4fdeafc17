// What of a pipe's first bytes is being written to a file: noted before, so that a shim that takes over knows what the dead
// one's last write has done, and neither loses nor repeats it.
import { closeSync, constants, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { messageOf } from '../../src/domain/errors.js';
import type { Log } from '../../src/base/log.js';

/** Two numbers: how long the file was, and how many bytes were to follow. */
const noteBytes = 16;
/** What others may have appended meanwhile; further the bytes are not looked for. */
const searchLimitBytes = 1024 * 1024;

const { O_CREAT, O_RDONLY, O_RDWR } = constants;

export class DeliveryNote {
  readonly #path: string;
  readonly #file: number;
  readonly #fd: number;
  readonly #note = Buffer.alloc(noteBytes);

  private constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
    this.#fd = openSync(path, O_RDWR | O_CREAT, 0o600);
  }

  /** Of a pipe whose bytes are appended to `file`; relative to the bundle. Without one, a shim's death may repeat some. */
  static open(pipe: number, file: number, log: Log): DeliveryNote | undefined {
    try {
      return new DeliveryNote(`pipe-${fstatSync(pipe).ino}.note`, file);
    } catch (error) {
      log.warn('how far output has come cannot be noted', { error: messageOf(error) });
      return undefined;
    }
  }

  begin(length: number): void {
    this.#write(fstatSync(this.#file).size, length);
  }

  /** Before the bytes are taken from the pipe: a death in between repeats them, and loses none. */
  end(): void {
    this.#write(0, 0);
  }

  /** How many of these bytes, the pipe's first, a dead shim had written. */
  taken(bytes: Buffer): number {
    if (readSync(this.#fd, this.#note, 0, noteBytes, 0) < noteBytes) return 0;
    const length = Number(this.#note.readBigUInt64LE(8));
    return length === 0 ? 0 : overlap(this.#since(Number(this.#note.readBigUInt64LE(0))), bytes.subarray(0, length));
  }

  close(): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }

  /** What the file has from `start` on. */
  #since(start: number): Buffer {
    const length = fstatSync(this.#file).size - start;
    if (length <= 0 || length > searchLimitBytes) return Buffer.alloc(0);
    const reading = openSync(`/proc/self/fd/${this.#file}`, O_RDONLY);
    try {
      const found = Buffer.alloc(length);
      return found.subarray(0, readSync(reading, found, 0, length, start));
    } finally {
      closeSync(reading);
    }
  }

  #write(size: number, length: number): void {
    this.#note.writeBigUInt64LE(BigInt(size), 0);
    this.#note.writeBigUInt64LE(BigInt(length), 8);
    try {
      writeSync(this.#fd, this.#note, 0, noteBytes, 0);
    } catch {
      // A full state directory: what a death may then repeat is not worth a container's output.
    }
  }
}

/** Somewhere among what others have appended are all of them, or at its end the first ones. */
function overlap(found: Buffer, bytes: Buffer): number {
  if (found.includes(bytes)) return bytes.length;
  for (let length = Math.min(found.length, bytes.length - 1); length > 0; length--) {
    if (found.subarray(found.length - length).equals(bytes.subarray(0, length))) return length;
  }
  return 0;
}
