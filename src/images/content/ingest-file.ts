// The file of one unfinished write, and the hash of what is in it. Writing goes on behind the caller, within a bound.
import { createHash, type Hash } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { failpoint } from '../../base/failpoint.js';
import type { DigestAlgorithm } from '../../domain/digest.js';
import { BerthError, messageOf } from '../../domain/errors.js';
import { ingestMode } from './content-files.js';

/** Taken from the caller and not yet in the file; more than this and the caller waits. */
const maxPendingBytes = 4 * 1024 * 1024;
/** Hashed in one go, about a millisecond's work: calls in between are answered. */
const sliceBytes = 1024 * 1024;

export class IngestFile {
  readonly #handle: FileHandle;
  readonly #algorithm: DigestAlgorithm;
  #hash: Hash;
  #offset = 0;
  #pendingBytes = 0;
  #tail: Promise<void> = Promise.resolve();
  #failure: BerthError | undefined;

  private constructor(handle: FileHandle, algorithm: DigestAlgorithm) {
    this.#handle = handle;
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Opens or makes the file. What is in it already is read once, for the hash. */
  static async open(path: string, algorithm: DigestAlgorithm): Promise<IngestFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, ingestMode);
    const file = new IngestFile(handle, algorithm);
    try {
      file.#offset = await hashFile(handle, file.#hash);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes data; a failure to write it comes out of this or a later call. */
  async append(data: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const position = this.#offset;
    this.#offset += data.length;
    this.#pendingBytes += data.length;
    this.#tail = this.#tail.then(() => this.#store(data, position));
    if (this.#pendingBytes > maxPendingBytes) await this.flush();
  }

  /** Resolves when all that was taken is in the file. */
  async flush(): Promise<void> {
    await this.#tail;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async truncate(): Promise<void> {
    await this.flush();
    await this.#handle.truncate(0);
    this.#offset = 0;
    this.#hash = createHash(this.#algorithm);
  }

  /** The hash, in hexadecimal, of all that was taken. */
  async digest(algorithm = this.#algorithm): Promise<string> {
    await this.flush();
    if (algorithm === this.#algorithm) return this.#hash.copy().digest('hex');
    const other = createHash(algorithm);
    await hashFile(this.#handle, other);
    return other.digest('hex');
  }

  /** All that was taken is on the disk when this resolves. */
  async sync(): Promise<void> {
    await this.flush();
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#handle.close();
  }

  async #store(data: Uint8Array, start: number): Promise<void> {
    try {
      for (let at = 0; at < data.length && this.#failure === undefined; at += sliceBytes) {
        const slice = data.subarray(at, at + sliceBytes);
        const writing = writeAll(this.#handle, slice, start + at);
        this.#hash.update(slice);
        await writing;
        failpoint('content.data-written');
      }
    } catch (error) {
      this.#failure ??= writeError(error);
    } finally {
      this.#pendingBytes -= data.length;
    }
  }
}

/** Feeds the whole file to `hash`; returns its length in bytes. */
async function hashFile(handle: FileHandle, hash: Hash): Promise<number> {
  const buffer = Buffer.allocUnsafe(sliceBytes);
  let offset = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) return offset;
    hash.update(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
}

async function writeAll(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await handle.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}

function writeError(error: unknown): BerthError {
  const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  const message = `content cannot be written: ${messageOf(error)}`;
  return new BerthError(full ? 'resource-exhausted' : 'unavailable', message, { cause: error });
}
