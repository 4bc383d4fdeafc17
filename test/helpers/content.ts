// Content of a daemon under test: the write dialogue request by request, and whole blobs.
import { createHash } from 'node:crypto';
import { type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import {
  ContentService,
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponse,
} from '../../src/generated/containerd/services/content/v1/content.js';
import type { TestDaemon } from './daemon.js';
import { metadataFor, type RpcOptions } from './rpc.js';

export function digestOf(data: Uint8Array | string, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(data).digest('hex')}`;
}

/** One Write stream; each request waits for its answer. */
export class WriteDialogue {
  readonly #stream: ClientDuplexStream<WriteContentRequest, WriteContentResponse>;
  readonly #answers: WriteContentResponse[] = [];
  #waiting: (() => void) | undefined;
  #error: ServiceError | undefined;
  #ended = false;

  constructor(daemon: TestDaemon, options: RpcOptions = {}) {
    const { path, requestSerialize, responseDeserialize } = ContentService.write;
    this.#stream = daemon.client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadataFor({ namespace: daemon.namespace, ...options }),
    );
    this.#stream.on('data', (answer: WriteContentResponse) => {
      this.#answers.push(answer);
      this.#waiting?.();
    });
    this.#stream.on('error', (error: ServiceError) => {
      this.#error = error;
      this.#waiting?.();
    });
    this.#stream.on('end', () => {
      this.#ended = true;
      this.#waiting?.();
    });
  }

  /** The answer; rejects with the call's error. */
  async send(request: Partial<WriteContentRequest>): Promise<WriteContentResponse> {
    this.#stream.write({
      action: WriteAction.STAT,
      ref: '',
      total: 0n,
      expected: '',
      offset: 0n,
      data: Buffer.alloc(0),
      labels: {},
      ...request,
    });
    await this.#wait(() => this.#answers.length > 0);
    const answer = this.#answers.shift();
    if (answer === undefined) throw this.#error ?? new Error('the stream ended without an answer');
    return answer;
  }

  /** Closes the sending side and waits for the call's end, which may be an error. */
  async finish(): Promise<void> {
    this.#stream.end();
    await this.#wait(() => false);
    if (this.#error !== undefined) throw this.#error;
  }

  /** As a client that goes away. */
  cancel(): void {
    this.#stream.cancel();
  }

  async #wait(until: () => boolean): Promise<void> {
    while (!until() && !this.#ended && this.#error === undefined) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

export const rootLabel = { 'containerd.io/gc.root': 'test' };

/** Well below the 16 MiB that a server takes in one message. */
const messageBytes = 4_000_000;

export interface BlobOptions extends RpcOptions {
  readonly ref?: string;
  readonly labels?: Record<string, string>;
}

/** Writes one whole blob, kept by a label unless the test gives its own or a lease; returns its digest. */
export async function writeBlob(
  daemon: TestDaemon,
  data: Uint8Array | string,
  { ref, labels, ...options }: BlobOptions = {},
): Promise<string> {
  const bytes = Buffer.from(data);
  const expected = digestOf(bytes);
  const dialogue = new WriteDialogue(daemon, options);
  const request = { ref: ref ?? `write-${expected}`, total: BigInt(bytes.length), expected };
  await dialogue.send(request);
  let at = 0;
  for (; bytes.length - at > messageBytes; at += messageBytes) {
    const data = bytes.subarray(at, at + messageBytes);
    await dialogue.send({ action: WriteAction.WRITE, offset: BigInt(at), data });
  }
  const { digest } = await dialogue.send({
    action: WriteAction.COMMIT,
    offset: BigInt(at),
    data: bytes.subarray(at),
    labels: labels ?? (options.lease === undefined ? rootLabel : {}),
    ...request,
  });
  await dialogue.finish();
  return digest;
}

/** All of a blob, or a range of it. */
export async function readBlob(
  daemon: TestDaemon,
  digest: string,
  range: { readonly offset?: number; readonly size?: number } & RpcOptions = {},
): Promise<Buffer> {
  const { offset = 0, size = 0, ...options } = range;
  const request = { digest, offset: BigInt(offset), size: BigInt(size) };
  const stream = daemon.stream(ContentService.read, request, options);
  const error = await stream.ended;
  if (error !== undefined) throw error;
  return Buffer.concat(stream.received.map(({ data }) => data));
}

/** The digests that a namespace sees. */
export async function listBlobs(
  daemon: TestDaemon,
  filters: string[] = [],
  options: RpcOptions = {},
): Promise<string[]> {
  const stream = daemon.stream(ContentService.list, { filters }, options);
  const error = await stream.ended;
  if (error !== undefined) throw error;
  return stream.received.flatMap(({ info }) => info.map(({ digest }) => digest)).sort();
}
