// The file of one unfinished write, which the ingest thread writes and hashes behind the caller, within a bound.
import type { DigestAlgorithm } from '../../domain/digest.js';
import type { IngestThread } from './ingest-thread.js';

/** Given to the thread and not yet in the file; more than this and the caller waits. */
const maxPendingBytes = 4 * 1024 * 1024;
/** Bytes of memory that a piece of data may hold beside the data and still be handed over rather than copied. */
const maxSlackBytes = 4096;

export class IngestFile {
  readonly #thread: IngestThread;
  readonly #file: number;
  readonly #algorithm: DigestAlgorithm;
  #offset = 0;
  #pendingBytes = 0;
  #lastAppend: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(thread: IngestThread, algorithm: DigestAlgorithm) {
    this.#thread = thread;
    this.#file = thread.nextFile();
    this.#algorithm = algorithm;
  }

  /** Opens or makes the file. What is in it already is read once, for the hash. */
  static async open(thread: IngestThread, path: string, algorithm: DigestAlgorithm): Promise<IngestFile> {
    const file = new IngestFile(thread, algorithm);
    file.#offset = Number(await thread.ask({ verb: 'open', file: file.#file, path, algorithm }));
    return file;
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * Takes data; a failure to write it comes out of this or a later call. Large data is not copied but taken, with the
   * memory it lies in: the caller has it no longer.
   */
  async append(data: Uint8Array): Promise<void> {
    this.#throwFailure();
    const bytes = data.length;
    this.#offset += bytes;
    this.#pendingBytes += bytes;
    this.#lastAppend = this.#write(data).finally(() => {
      this.#pendingBytes -= bytes;
    });
    if (this.#pendingBytes > maxPendingBytes) await this.flush();
  }

  /** Resolves when all that was taken is in the file. */
  async flush(): Promise<void> {
    // The thread does what concerns one file in order: the last is the last of all.
    await this.#lastAppend;
    this.#throwFailure();
  }

  async truncate(): Promise<void> {
    await this.flush();
    this.#offset = Number(await this.#thread.ask({ verb: 'truncate', file: this.#file }));
  }

  /** The hash, in hexadecimal, of all that was taken. */
  async digest(algorithm = this.#algorithm): Promise<string> {
    await this.flush();
    return String(await this.#thread.ask({ verb: 'digest', file: this.#file, algorithm }));
  }

  /** All that was taken is on the disk when this resolves. */
  async sync(): Promise<void> {
    await this.flush();
    await this.#thread.ask({ verb: 'sync', file: this.#file });
  }

  async close(): Promise<void> {
    await this.#thread.ask({ verb: 'close', file: this.#file });
  }

  async #write(data: Uint8Array): Promise<void> {
    try {
      const { buffer } = data;
      const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength - data.length <= maxSlackBytes;
      const request = { verb: 'append', file: this.#file, data } as const;
      await this.#thread.ask(request, isOwn && data.length > maxSlackBytes ? [buffer] : []);
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
