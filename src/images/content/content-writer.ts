// One write under way: a ref that is locked, and either a file that grows or a blob of another namespace to be taken over.
import { type Digest, type DigestAlgorithm, formatDigest } from '../../domain/digest.js';
import { BerthError } from '../../domain/errors.js';
import type { IngestRecord } from '../../domain/image-records.js';
import type { Labels } from '../../domain/records.js';
import { nowNanos, type UnixNanos } from '../../domain/time.js';
import type { ImageStorage } from '../image-storage.js';
import type { Scope } from '../scope.js';
import { commitBlob } from './commit-blob.js';
import { IngestFile } from './ingest-file.js';
import type { Release } from './writer-locks.js';

interface OpenIngest {
  readonly ingest: IngestRecord;
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
  readonly release: Release;
  /** The digest that the client announced at the beginning. */
  readonly announced: Digest | undefined;
  /** Exactly one of these two is there. */
  readonly shared: Digest | undefined;
  readonly file: IngestFile | undefined;
}

export interface CommitRequest {
  /** Bytes that it must have; 0 takes what there is. */
  readonly total: number;
  /** Digest that it must have. */
  readonly expected: Digest | undefined;
  readonly labels: Labels;
}

export class ContentWriter {
  readonly #storage: ImageStorage;
  readonly #scope: Scope;
  readonly #open: OpenIngest;
  #file: IngestFile | undefined;
  #updatedAt: UnixNanos = nowNanos();
  #closed = false;

  constructor(storage: ImageStorage, scope: Scope, open: OpenIngest) {
    this.#storage = storage;
    this.#scope = scope;
    this.#open = open;
    this.#file = open.file;
  }

  get ref(): string {
    return this.#open.ingest.ref;
  }

  get startedAt(): UnixNanos {
    return this.#open.ingest.startedAt;
  }

  get updatedAt(): UnixNanos {
    return this.#updatedAt;
  }

  /** Bytes that are here; a blob that is taken over is here whole. */
  get offset(): number {
    return this.#file === undefined ? this.#open.ingest.total : this.#file.offset;
  }

  /** Of what is here. */
  async digest(): Promise<string> {
    const { algorithm, shared } = this.#open;
    if (this.#file !== undefined) return formatDigest({ algorithm, hex: await this.#file.digest() });
    return shared === undefined ? '' : formatDigest(shared);
  }

  /** Takes the data, with the memory it lies in. */
  async append(data: Uint8Array): Promise<void> {
    if (data.length === 0) return;
    this.#file ??= await this.#ownCopy();
    await this.#file.append(data);
    this.#updatedAt = nowNanos();
  }

  /** Begins again at 0. */
  async truncate(): Promise<void> {
    if (this.#file === undefined) {
      await this.#storage.content.removeIngest(this.#open.path);
      this.#file = await this.#openFile();
    }
    await this.#file.truncate();
    this.#updatedAt = nowNanos();
  }

  /**
   * Makes the blob and returns its record. `failed-precondition` when size or digest are not as they must be; what is
   * here can be gone on with, unless it is surely wrong. `already-exists` when the namespace has the blob: the write is then over too.
   */
  async commit({ total, expected, labels }: CommitRequest) {
    if (total > 0 && total !== this.offset) {
      throw new BerthError('failed-precondition', `ref ${this.ref} has ${this.offset} bytes, not ${total}`);
    }
    const digest = await this.#checkedDigest(expected);
    await this.#file?.sync();
    const { ingest, path } = this.#open;
    const source = this.#file === undefined ? undefined : path;
    return await commitBlob(this.#storage, this.#scope, { ingest, source, path, digest, size: this.offset, labels });
  }

  /** Unlocks the ref; what was written stays. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#file?.close();
    } finally {
      this.#open.release();
    }
  }

  async #checkedDigest(expected: Digest | undefined): Promise<Digest> {
    const { shared } = this.#open;
    const algorithm = expected?.algorithm ?? this.#open.algorithm;
    const actual =
      this.#file === undefined && shared !== undefined
        ? shared
        : { algorithm, hex: (await this.#file?.digest(algorithm)) ?? '' };
    if (expected !== undefined && formatDigest(expected) !== formatDigest(actual)) {
      const wanted = formatDigest(expected);
      const message = `ref ${this.ref} has digest ${formatDigest(actual)}, unexpected commit digest: expected ${wanted}`;
      await this.#discardWrong(wanted);
      throw new BerthError('failed-precondition', message);
    }
    return actual;
  }

  /**
   * All of a write that was begun for this very digest has come, and is something else: nothing that is added makes it
   * right, so whoever tries again begins anew. Without that announcement the client may still mean another digest.
   */
  async #discardWrong(wanted: string): Promise<void> {
    const { announced, ingest } = this.#open;
    const isWhole = ingest.total > 0 && this.offset >= ingest.total;
    if (announced !== undefined && formatDigest(announced) === wanted && isWhole) await this.truncate();
  }

  /** Data beyond a blob that was to be taken over: the write goes on with a copy. */
  async #ownCopy(): Promise<IngestFile> {
    const { shared, path } = this.#open;
    if (shared !== undefined) {
      await this.#storage.content.copyBlob(shared, path);
    }
    return await this.#openFile();
  }

  async #openFile(): Promise<IngestFile> {
    return await IngestFile.open(this.#storage.ingestThread, this.#open.path, this.#open.algorithm);
  }
}
