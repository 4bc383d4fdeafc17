// A stream of containerd.services.streaming.v1, from the client's side.
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { poll } from '../../src/base/deadline.js';
import { StreamInit, StreamingService } from '../../src/generated/containerd/services/streaming/v1/streaming.js';
import type { Any } from '../../src/generated/google/protobuf/any.js';
import type { TestDaemon } from './daemon.js';
import { metadataFor } from './rpc.js';

const limitMs = 20_000;

interface Encoder<M> {
  encode(message: M): { finish(): Uint8Array };
}

export class OpenStream {
  /** What has come so far, but for the acknowledgement. */
  readonly received: Any[] = [];
  /** Resolves when the stream has ended; the error is undefined where it ended well. */
  readonly ended: Promise<ServiceError | undefined>;
  readonly #stream: ClientDuplexStream<Any, Any>;
  #isAcknowledged = false;

  constructor(daemon: TestDaemon) {
    const { path, requestSerialize, responseDeserialize } = StreamingService.stream;
    const metadata = metadataFor({ namespace: daemon.namespace });
    this.#stream = daemon.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    this.#stream.on('data', (message: Any) => {
      if (this.#isAcknowledged) this.received.push(message);
      this.#isAcknowledged = true;
    });
    this.ended = new Promise((resolve) => {
      this.#stream.on('error', (error: ServiceError) => resolve(error));
      this.#stream.on('end', () => resolve(undefined));
    });
  }

  /** Resolves once the daemon knows it by `id`. */
  static async open(daemon: TestDaemon, id: string): Promise<OpenStream> {
    const stream = new OpenStream(daemon);
    stream.send('containerd.services.streaming.v1.StreamInit', StreamInit, { id });
    const what = `the acknowledgement of stream ${id}`;
    await poll(() => stream.#isAcknowledged || undefined, { limitMs, intervalMs: 5, what });
    return stream;
  }

  send<M>(typeUrl: string, encoder: Encoder<M>, message: M): void {
    this.#stream.write({ typeUrl, value: Buffer.from(encoder.encode(message).finish()) });
  }

  /** Nothing more comes from the client. */
  finish(): void {
    this.#stream.end();
  }

  /** Takes no more messages of the daemon's. */
  pause(): void {
    this.#stream.pause();
  }

  cancel(): void {
    this.#stream.cancel();
  }

  async has(count: number): Promise<void> {
    const what = `${count} messages on a stream`;
    await poll(() => this.received.length >= count || undefined, { limitMs, intervalMs: 5, what });
  }
}
