// A stretch of a blob in memory, read ahead of whoever reads it in small pieces, call by call: a piece then costs no way
// through a thread. Manifests and configurations fit whole.
import type { FileHandle } from 'node:fs/promises';

/** Bytes of one stretch at most. */
const windowBytes = 256 * 1024;
/** What is read at once through a window has at most so many. */
export const maxWindowReadBytes = 64 * 1024;

export interface WindowRead {
  readonly start: number;
  readonly end: number;
  /** Of the blob. */
  readonly size: number;
}

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly bytes: Promise<Buffer>;
  readers: number;
}

export class BlobWindow {
  readonly #file: FileHandle;
  #stretch: Stretch | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Copies the bytes from `start` to `end` to `target`, fewer where the file ends too early, and says how many. */
  async copyTo(target: Buffer, { start, end, size }: WindowRead): Promise<number> {
    const found = this.#stretch;
    const isWithin = found !== undefined && start >= found.start && end <= found.end;
    const stretch = isWithin ? found : this.#fetch(start, Math.min(start + windowBytes, size));
    stretch.readers++;
    try {
      const bytes = await stretch.bytes;
      const wanted = bytes.subarray(start - stretch.start, end - stretch.start);
      target.set(wanted);
      return wanted.length;
    } finally {
      stretch.readers--;
    }
  }

  #fetch(start: number, end: number): Stretch {
    const bytes = this.#read(start, end - start);
    const stretch: Stretch = { start, end, bytes, readers: 0 };
    this.#stretch = stretch;
    // The next reader tries again.
    bytes.catch(() => {
      if (this.#stretch === stretch) this.#stretch = undefined;
    });
    return stretch;
  }

  /** Into the memory of the stretch before where nobody reads that any more: new memory for each costs more than reading. */
  async #read(start: number, length: number): Promise<Buffer> {
    const before = this.#stretch;
    const spare = before?.readers === 0 ? await before.bytes.catch(() => undefined) : undefined;
    const memory = spare?.buffer.byteLength === windowBytes ? Buffer.from(spare.buffer) : undefined;
    const buffer = memory ?? Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#file.read(buffer, 0, length, start);
    return buffer.subarray(0, bytesRead);
  }
}
