// One call at the server: runs the handler, sends what it gives, and answers exactly once.
import { BerthError, isBerthError, kindOfStorageError, messageOf, originalError } from '../domain/errors.js';
import { maxTimerMs } from './call-limits.js';
import type { CallContext } from './definition.js';
import { decodeMessage, encodeData, encodeFailure, encodeResponse, type Request } from './envelope.js';
import { cancelFlags, closeFlags, frameFlags } from './frame.js';
import { InboundQueue } from './inbound-queue.js';
import type { ReadGate } from './read-gate.js';
import type { ServiceMethod } from './service.js';

export interface ServerCallHost {
  readonly gate: ReadGate;
  readonly stallTimeoutMs: number;
  send(frame: Uint8Array): void;
  drained(): Promise<void> | undefined;
  /** The call has its answer and takes no more frames; its handler may still run. */
  answered(streamId: number): void;
  report(error: unknown): void;
}

export class ServerCall {
  readonly isStreaming: boolean;
  readonly #streamId: number;
  readonly #name: string;
  readonly #method: ServiceMethod;
  readonly #host: ServerCallHost;
  readonly #controller = new AbortController();
  readonly #requests: InboundQueue<unknown> | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #isRemoteClosed: boolean;
  #isAnswered = false;

  constructor(streamId: number, flags: number, name: string, method: ServiceMethod, host: ServerCallHost) {
    const { requestStream, responseStream, requestType } = method.definition;
    this.#streamId = streamId;
    this.#name = name;
    this.#method = method;
    this.#host = host;
    this.isStreaming = requestStream || responseStream;
    this.#isRemoteClosed = !requestStream || (flags & frameFlags.remoteClosed) !== 0;
    if (!requestStream) return;
    this.#requests = new InboundQueue({
      decode: (payload) => decodeRequestMessage(requestType, payload, name),
      gate: host.gate,
      stallTimeoutMs: host.stallTimeoutMs,
      onStall: () =>
        this.abort(new BerthError('resource-exhausted', `${name}: the handler left the stream full for too long`)),
      onReturn: () => undefined,
    });
  }

  /** Runs the handler to its end, which may come after the answer; never rejects. */
  async run(request: Request): Promise<void> {
    try {
      const context = this.#context(request);
      const input =
        this.#requests ?? decodeRequestMessage(this.#method.definition.requestType, request.payload, this.#name);
      // A client stream's first message may come with the request.
      if (request.payload.length > 0) this.#requests?.push(request.payload);
      if (this.#isRemoteClosed) this.#requests?.end();
      if (this.#isAnswered) return;
      const output = this.#method.handler(input, context);
      if (this.#method.definition.responseStream) await this.#sendAll(output as AsyncIterable<unknown>);
      else await this.#sendOne(output as Promise<unknown>);
    } catch (error) {
      this.#fail(error);
    }
  }

  data(flags: number, payload: Uint8Array): void {
    if ((flags & cancelFlags) === cancelFlags) {
      this.abort(new BerthError('cancelled', `${this.#name}: cancelled by the client`));
      return;
    }
    const closes = (flags & frameFlags.remoteClosed) !== 0;
    // A closing frame may carry data by the protocol, though containerd/ttrpc's server takes none.
    if ((flags & frameFlags.noData) === 0 && (payload.length > 0 || !closes)) {
      if (this.#isRemoteClosed) {
        this.abort(new BerthError('invalid-argument', `${this.#name}: data on a closed stream`));
        return;
      }
      this.#requests?.push(payload);
    }
    if (!closes) return;
    this.#isRemoteClosed = true;
    this.#requests?.end();
  }

  /** Answers with the error at once and tells the handler to stop. */
  abort(error: BerthError): void {
    this.#answer(encodeFailure(this.#streamId, error));
    this.#requests?.abort(error);
    this.#controller.abort(error);
  }

  #context(request: Request): CallContext {
    const { signal } = this.#controller;
    const { metadata, timeoutNanos } = request;
    if (timeoutNanos === 0n) return { signal, metadata, deadline: undefined };
    const timeoutMs = Number(timeoutNanos) / 1e6;
    const late = (): void =>
      this.abort(new BerthError('deadline-exceeded', `${this.#name}: not answered within ${timeoutMs} ms`));
    if (timeoutMs <= 0) late();
    else if (timeoutMs <= maxTimerMs) this.#deadlineTimer = setTimeout(late, timeoutMs);
    return { signal, metadata, deadline: new Date(Date.now() + timeoutMs) };
  }

  async #sendOne(output: Promise<unknown>): Promise<void> {
    const response = await output;
    if (this.#isAnswered) return;
    this.#answer(
      encodeResponse(this.#streamId, (writer) => this.#method.definition.responseType.encode(response, writer)),
    );
    this.#requests?.abort(new BerthError('cancelled', `${this.#name}: already answered`));
  }

  async #sendAll(output: AsyncIterable<unknown>): Promise<void> {
    const { responseType } = this.#method.definition;
    for await (const response of output) {
      if (this.#isAnswered) return;
      this.#host.send(encodeData(this.#streamId, frameFlags.none, (writer) => responseType.encode(response, writer)));
      await this.#host.drained();
    }
    this.#answer(encodeData(this.#streamId, closeFlags));
    this.#requests?.abort(new BerthError('cancelled', `${this.#name}: already answered`));
  }

  #fail(error: unknown): void {
    if (this.#isAnswered) {
      if (!this.#isAbort(error)) this.#host.report(error);
      return;
    }
    const original = originalError(error);
    if (!isBerthError(error)) this.#host.report(error);
    const kind = kindOfStorageError(original) ?? 'unknown';
    this.abort(isBerthError(original) ? original : new BerthError(kind, messageOf(error), { cause: error }));
  }

  /** What a handler throws because its signal told it to stop is nobody's news. */
  #isAbort(error: unknown): boolean {
    return isBerthError(error) || (error instanceof Error && error.name === 'AbortError');
  }

  #answer(frame: Uint8Array): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    clearTimeout(this.#deadlineTimer);
    this.#host.send(frame);
    this.#host.answered(this.#streamId);
  }
}

function decodeRequestMessage(
  type: ServiceMethod['definition']['requestType'],
  payload: Uint8Array,
  name: string,
): unknown {
  try {
    return decodeMessage(type, payload);
  } catch (error) {
    throw new BerthError('invalid-argument', `${name}: undecodable request: ${messageOf(error)}`, { cause: error });
  }
}
