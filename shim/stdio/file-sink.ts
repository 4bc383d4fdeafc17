// Appends a stream to a file (or a character device). Written in order, off the event loop; a file that cannot be
// written (a full disk) loses output and counts it, and never blocks the container.
import { close, closeSync, constants, fstatSync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '../../src/base/make-directory.js';
import type { Log } from '../../src/base/log.js';
import type { OutputSink } from './output-sink.js';

/** As containerd makes them. */
const fileMode = 0o644;
const directoryMode = 0o755;

export class FileSink implements OutputSink {
  onReady: () => void = () => undefined;
  readonly file: number | undefined;
  readonly #fd: number;
  readonly #log: Log;
  #chunk: Buffer | undefined;
  #dropped = 0;
  #finished: (() => void) | undefined;
  #closed = false;

  constructor(path: string, options: { readonly create: boolean; readonly log: Log }) {
    this.#log = options.log.child({ path });
    if (options.create) makeDirectory(dirname(path), directoryMode);
    const create = options.create ? constants.O_CREAT : 0;
    this.#fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY | create, fileMode);
    this.file = fstatSync(this.#fd).isFile() ? this.#fd : undefined;
  }

  get droppedBytes(): number {
    return this.#dropped;
  }

  readerCame(): Promise<void> {
    return Promise.resolve();
  }

  write(chunk: Buffer): boolean {
    if (this.#closed) return true;
    this.#chunk = chunk;
    this.#writeOn();
    return false;
  }

  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#finished = resolve;
      if (this.#closed) resolve();
      else if (this.#chunk === undefined) this.close();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#dropped > 0)
      this.#log.warn('output was lost, as its file could not be written', { bytes: this.#dropped });
    // A write that is under way still uses the descriptor; it closes it.
    if (this.#chunk === undefined) closeSync(this.#fd);
    this.#finished?.();
    this.onReady();
  }

  #writeOn(): void {
    const chunk = this.#chunk;
    if (chunk === undefined) return;
    write(this.#fd, chunk, 0, chunk.length, null, (error, written) => {
      if (error === null && written < chunk.length) {
        this.#chunk = chunk.subarray(written);
        this.#writeOn();
        return;
      }
      if (error !== null) this.#lose(chunk.length, error);
      this.#written();
    });
  }

  #lose(bytes: number, error: Error): void {
    if (this.#dropped === 0) this.#log.error('writing output to a file failed', { error: error.message });
    this.#dropped += bytes;
  }

  #written(): void {
    this.#chunk = undefined;
    if (this.#closed) close(this.#fd);
    else if (this.#finished !== undefined) this.close();
    else this.onReady();
  }
}
