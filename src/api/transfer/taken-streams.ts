// The streams of one call, which end with it.
import { BerthError } from '../../domain/errors.js';
import type { ClientStream, ClientStreams } from '../streaming/client-streams.js';

export class TakenStreams {
  readonly #taken = new Map<string, ClientStream>();

  /** All of `ids` but the empty ones, which mean none. Throws `not-found`, and has those that are there all the same. */
  take(streams: ClientStreams, namespace: string, ids: readonly string[]): void {
    let failure: unknown;
    for (const id of new Set(ids)) {
      try {
        if (id !== '') this.#taken.set(id, streams.take(namespace, id));
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Undefined where the client has none. */
  find(id = ''): ClientStream | undefined {
    return this.#taken.get(id);
  }

  /** Throws `invalid-argument` where the client has none. */
  get(id: string): ClientStream {
    const stream = this.find(id);
    if (stream === undefined) throw new BerthError('invalid-argument', 'an archive needs a stream');
    return stream;
  }

  close(): void {
    for (const stream of this.#taken.values()) stream.close();
  }
}
