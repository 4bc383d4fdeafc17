// One call at the client, unary or streaming: takes the server's frames, and sends the messages of a request stream.
import { BerthError, kindFromStatusCode, messageOf } from '../domain/errors.js';
import { armCallLimits } from './call-limits.js';
import type { CallOptions, MethodDefinition } from './definition.js';
import { decodeMessage, decodeResponse, encodeData } from './envelope.js';
import { cancelFlags, closeFlags, frameFlags, frameTypes } from './frame.js';

export interface ClientCallHost {
  send(frame: Uint8Array): void;
  drained(): Promise<void> | undefined;
  ended(streamId: number): void;
}

/** Where the server's messages go. */
export interface Outcome {
  message(payload: Uint8Array): void;
  end(): void;
  /** The error follows the messages before it. */
  fail(error: unknown): void;
  /** The error comes instead of messages not yet taken. */
  abort(error: unknown): void;
}

export class ClientCall {
  readonly #name: string;
  readonly #streamId: number;
  readonly #method: MethodDefinition;
  readonly #host: ClientCallHost;
  readonly #outcome: Outcome;
  #requests: AsyncIterator<unknown> | undefined;
  #disarm: () => void = () => undefined;
  #isEnded = false;

  constructor(streamId: number, name: string, method: MethodDefinition, host: ClientCallHost, outcome: Outcome) {
    this.#streamId = streamId;
    this.#name = name;
    this.#method = method;
    this.#host = host;
    this.#outcome = outcome;
  }

  /** Throws when the limits are already passed. */
  limitBy(options: CallOptions): void {
    this.#disarm = armCallLimits(options, this.#name, (error) => this.cancel(error));
  }

  receive(type: number, flags: number, payload: Uint8Array): void {
    if (type === frameTypes.response) this.#response(payload);
    else if (type === frameTypes.data) this.#data(flags, payload);
  }

  /** Ends the call at this side. A server is told for streams only: ttrpc has no cancel frame. */
  cancel(error: unknown): void {
    if (this.#isEnded) return;
    if (this.#method.requestStream || this.#method.responseStream) {
      this.#host.send(encodeData(this.#streamId, cancelFlags));
    }
    this.#finish(() => this.#outcome.abort(error));
  }

  fail(error: unknown): void {
    this.#finish(() => this.#outcome.fail(error));
  }

  /** Sends the messages as the socket takes them; never rejects. */
  async sendAll(requests: AsyncIterable<unknown>): Promise<void> {
    const { requestType } = this.#method;
    try {
      const iterator = requests[Symbol.asyncIterator]();
      this.#requests = iterator;
      for (;;) {
        const step = await iterator.next();
        if (step.done === true) break;
        if (this.#isEnded) return;
        this.#host.send(
          encodeData(this.#streamId, frameFlags.none, (writer) => requestType.encode(step.value, writer)),
        );
        await this.#host.drained();
        if (this.#isEnded) return;
      }
    } catch (error) {
      this.cancel(error);
      return;
    }
    if (this.#isEnded) return;
    this.#requests = undefined;
    this.#host.send(encodeData(this.#streamId, closeFlags));
  }

  #response(bytes: Uint8Array): void {
    let response: ReturnType<typeof decodeResponse>;
    try {
      response = decodeResponse(bytes);
    } catch (error) {
      this.fail(
        new BerthError('internal', `${this.#name}: undecodable response: ${messageOf(error)}`, { cause: error }),
      );
      return;
    }
    const { status, payload } = response;
    if (status !== undefined && status.code !== 0) {
      this.fail(new BerthError(kindFromStatusCode(status.code), status.message));
      return;
    }
    // A stream may end with a response; one without payload is no message then.
    if (!this.#method.responseStream || payload.length > 0) this.#outcome.message(payload);
    this.#finish(() => this.#outcome.end());
  }

  #data(flags: number, payload: Uint8Array): void {
    if (!this.#method.responseStream) {
      this.cancel(new BerthError('internal', `${this.#name}: the server sent stream data to a single answer`));
      return;
    }
    if ((flags & frameFlags.noData) === 0) this.#outcome.message(payload);
    if ((flags & frameFlags.remoteClosed) !== 0) this.#finish(() => this.#outcome.end());
  }

  #finish(settle: () => void): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#disarm();
    this.#host.ended(this.#streamId);
    settle();
    // Nobody takes what the caller still would send.
    void this.#requests?.return?.().catch(() => undefined);
  }
}

export function decodeResponseMessage(method: MethodDefinition, payload: Uint8Array, name: string): unknown {
  try {
    return decodeMessage(method.responseType, payload);
  } catch (error) {
    throw new BerthError('internal', `${name}: undecodable response: ${messageOf(error)}`, { cause: error });
  }
}
