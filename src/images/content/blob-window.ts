// A stretch of a blob in memory, read ahead of whoever reads it in small pieces, call by call: a piece then costs no way
// through a thread. Manifests and configurations fit whole.
import type { FileHandle } from 'node:fs/promises';

/** Bytes of one stretch at most. */
const windowBytes = 256 * 1024;
/** What is read at once through a window has at most so many. */
export const maxWindowReadBytes = 64 * 1024;

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly bytes: Promise<Buffer>;
}

export class BlobWindow {
  readonly #file: FileHandle;
  #stretch: Stretch | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** The bytes from `start` to `end`, fewer where the file ends too early, of a blob of `size`. Not to be written to. */
  async read(start: number, end: number, size: number): Promise<Buffer> {
    const stretch = this.#stretch;
    const isWithin = stretch !== undefined && start >= stretch.start && end <= stretch.end;
    const { start: from, bytes } = isWithin ? stretch : this.#fetch(start, Math.min(start + windowBytes, size));
    return (await bytes).subarray(start - from, end - from);
  }

  #fetch(start: number, end: number): Stretch {
    const bytes = readStretch(this.#file, start, end - start);
    const stretch = { start, end, bytes };
    this.#stretch = stretch;
    // The next reader tries again.
    bytes.catch(() => {
      if (this.#stretch === stretch) this.#stretch = undefined;
    });
    return stretch;
  }
}

async function readStretch(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await file.read(buffer, 0, length, start);
  return buffer.subarray(0, bytesRead);
}
