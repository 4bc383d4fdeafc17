// The file of one unfinished write and the hash of what is in it, as the ingest thread keeps them.
import { createHash, type Hash } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { failpoint } from '../../base/failpoint.js';
import type { DigestAlgorithm } from '../../domain/digest.js';
import { ingestMode } from './content-files.js';

/** Read in one go where a file has to be hashed again. */
const sliceBytes = 1024 * 1024;

export class HashedFile {
  readonly #handle: FileHandle;
  readonly #algorithm: DigestAlgorithm;
  #hash: Hash;
  #offset = 0;

  private constructor(handle: FileHandle, algorithm: DigestAlgorithm) {
    this.#handle = handle;
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Opens or makes the file. What is in it already is read once, for the hash. */
  static async open(path: string, algorithm: DigestAlgorithm): Promise<HashedFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, ingestMode);
    const file = new HashedFile(handle, algorithm);
    try {
      file.#offset = await hashFile(handle, file.#hash);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes in the file. */
  get offset(): number {
    return this.#offset;
  }

  async append(data: Uint8Array): Promise<void> {
    const writing = writeAll(this.#handle, data, this.#offset);
    this.#hash.update(data);
    await writing;
    this.#offset += data.length;
    failpoint('content.data-written');
  }

  async truncate(): Promise<void> {
    await this.#handle.truncate(0);
    this.#offset = 0;
    this.#hash = createHash(this.#algorithm);
  }

  /** In hexadecimal. */
  async digest(algorithm: DigestAlgorithm): Promise<string> {
    if (algorithm === this.#algorithm) return this.#hash.copy().digest('hex');
    const other = createHash(algorithm);
    await hashFile(this.#handle, other);
    return other.digest('hex');
  }

  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
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
