// The streams of one call, which end with it.
import type { ClientStream, ClientStreams } from '../streaming/client-streams.js';

export class TakenStreams {
  readonly #streams: ClientStreams;
  readonly #namespace: string;
  readonly #taken: ClientStream[] = [];

  constructor(streams: ClientStreams, namespace: string) {
    this.#streams = streams;
    this.#namespace = namespace;
  }

  /** Throws `not-found`. */
  take(id: string): ClientStream {
    const stream = this.#streams.take(this.#namespace, id);
    this.#taken.push(stream);
    return stream;
  }

  /** Undefined where the client names none. */
  takeIfNamed(id = ''): ClientStream | undefined {
    return id === '' ? undefined : this.take(id);
  }

  close(): void {
    for (const stream of this.#taken) stream.close();
  }
}
