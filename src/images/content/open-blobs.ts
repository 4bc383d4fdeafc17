// Blobs that are being read, and those read a moment ago: `ctr` reads one blob in thousands of calls of 32 KiB each, and
// opening costs more than reading. Blobs never change, so an open one is never stale, only possibly deleted.
import type { FileHandle } from 'node:fs/promises';
import { type Digest, formatDigest } from '../../domain/digest.js';
import { BlobWindow } from './blob-window.js';
import type { ContentFiles } from './content-files.js';

/** How long an unused file stays open. */
const idleMs = 1000;

export interface LentBlob {
  readonly file: FileHandle;
  /** For reads that are small. */
  readonly window: BlobWindow;
}

interface OpenBlob {
  readonly lent: Promise<LentBlob>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

export class OpenBlobs {
  readonly #content: ContentFiles;
  readonly #open = new Map<string, OpenBlob>();

  constructor(content: ContentFiles) {
    this.#content = content;
  }

  /** Lends the open blob to `read` for as long as that runs. */
  async *lend<T>(digest: Digest, read: (blob: LentBlob) => AsyncGenerator<T, void, undefined>) {
    const name = formatDigest(digest);
    const blob = this.#open.get(name) ?? this.#begin(name, digest);
    blob.users++;
    clearTimeout(blob.idle);
    try {
      yield* read(await blob.lent);
    } finally {
      blob.users--;
      if (blob.users === 0) this.#rest(name, blob);
    }
  }

  /** The blob is deleted: nothing keeps its space once nobody reads it. */
  forget(digest: Digest): void {
    const name = formatDigest(digest);
    const blob = this.#open.get(name);
    this.#open.delete(name);
    if (blob?.users === 0) void closeQuietly(blob);
  }

  /** Closes what nobody reads at the moment. */
  closeIdle(): void {
    for (const [name, blob] of this.#open) {
      this.#open.delete(name);
      if (blob.users === 0) void closeQuietly(blob);
    }
  }

  #begin(name: string, digest: Digest): OpenBlob {
    const lent = this.#content.openBlob(digest).then((file) => ({ file, window: new BlobWindow(file) }));
    const blob: OpenBlob = { lent, users: 0, idle: undefined };
    this.#open.set(name, blob);
    // The next reader tries again.
    lent.catch(() => this.#open.get(name) === blob && this.#open.delete(name));
    return blob;
  }

  #rest(name: string, blob: OpenBlob): void {
    if (this.#open.get(name) !== blob) {
      void closeQuietly(blob);
      return;
    }
    blob.idle = setTimeout(() => {
      this.#open.delete(name);
      void closeQuietly(blob);
    }, idleMs).unref();
  }
}

async function closeQuietly(blob: OpenBlob): Promise<void> {
  clearTimeout(blob.idle);
  // One that could not be opened has told its reader so.
  await blob.lent.then(({ file }) => file.close()).catch(() => undefined);
}
