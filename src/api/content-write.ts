// Content/Write: one ref's write as a dialogue. Every request is answered; the ref is locked while the stream lasts.
import { type Digest, parseDigest } from '../domain/digest.js';
import { BerthError } from '../domain/errors.js';
import {
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponse,
} from '../generated/containerd/services/content/v1/content.js';
import type { ContentWriter } from '../images/content/content-writer.js';
import { abortIngest } from '../images/content/ingests.js';
import { openWriter, refuseExisting } from '../images/content/open-writer.js';
import type { ImageStorage } from '../images/image-storage.js';
import type { Scope } from '../images/scope.js';
import { timestampFromNanos } from '../supervisor/wire-values.js';
import { numberFromWire } from './wire-numbers.js';

export async function* writeContent(
  storage: ImageStorage,
  scope: Scope,
  requests: AsyncIterable<WriteContentRequest>,
): AsyncGenerator<WriteContentResponse, void, undefined> {
  let session: WriteSession | undefined;
  try {
    for await (const request of requests) {
      session ??= await WriteSession.open(storage, scope, request);
      yield await session.answer(request);
      if (request.action === WriteAction.COMMIT) return;
    }
  } finally {
    await session?.close();
  }
}

/** What the dialogue has settled so far: each request may tell total and digest, a later one overrules. */
class WriteSession {
  readonly #storage: ImageStorage;
  readonly #scope: Scope;
  readonly #writer: ContentWriter;
  #total = 0;
  #expected: Digest | undefined;

  private constructor(storage: ImageStorage, scope: Scope, writer: ContentWriter) {
    this.#storage = storage;
    this.#scope = scope;
    this.#writer = writer;
  }

  static async open(storage: ImageStorage, scope: Scope, first: WriteContentRequest): Promise<WriteSession> {
    const { ref, total, expected } = first;
    const writer = await openWriter(storage, scope, { ref, total: numberFromWire('total', total), expected });
    return new WriteSession(storage, scope, writer);
  }

  async answer(request: WriteContentRequest): Promise<WriteContentResponse> {
    await this.#takeExpectations(request);
    switch (request.action) {
      case WriteAction.STAT:
        return this.#response(request, await this.#writer.digest());
      case WriteAction.WRITE:
        await this.#write(request);
        return this.#response(request, '');
      case WriteAction.COMMIT:
        await this.#write(request);
        return this.#response(request, await this.#commit(request));
      default:
        throw new BerthError('invalid-argument', `write action ${String(request.action)} is not known`);
    }
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  async #takeExpectations({ total, expected }: WriteContentRequest): Promise<void> {
    if (total > 0n) this.#total = numberFromWire('total', total);
    if (expected === '') return;
    this.#expected = parseDigest(expected);
    try {
      await refuseExisting(this.#storage, this.#scope, this.#expected);
    } catch (error) {
      // Somebody else was quicker: nothing is left to be written.
      await this.#writer.close();
      await abortIngest(this.#storage, this.#scope, this.#writer.ref);
      throw error;
    }
  }

  async #write({ offset, data }: WriteContentRequest): Promise<void> {
    const at = Number(offset);
    if (at > 0 && at !== this.#writer.offset) {
      throw new BerthError('out-of-range', `write @${at} must occur at current offset ${this.#writer.offset}`);
    }
    if (at === 0 && this.#writer.offset > 0) await this.#writer.truncate();
    await this.#writer.append(data);
  }

  async #commit({ labels }: WriteContentRequest): Promise<string> {
    const expectations = { total: this.#total, expected: this.#expected, labels };
    return (await this.#writer.commit(expectations)).digest;
  }

  #response({ action }: WriteContentRequest, digest: string): WriteContentResponse {
    const { startedAt, updatedAt, offset } = this.#writer;
    return {
      action,
      startedAt: timestampFromNanos(startedAt),
      updatedAt: timestampFromNanos(updatedAt),
      offset: BigInt(offset),
      total: BigInt(this.#total),
      digest,
    };
  }
}
