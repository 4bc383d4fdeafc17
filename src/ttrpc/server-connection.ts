// The server's side of one connection: takes requests, keeps the calls they open, routes frames to them.
import type { Duplex } from 'node:stream';
import { BerthError, isBerthError, messageOf } from '../domain/errors.js';
import { decodeRequest, encodeFailure, type Request } from './envelope.js';
import { type FrameHeader, frameTypes, oversizeError } from './frame.js';
import { FrameSocket } from './frame-socket.js';
import { flushTimeoutMs, maxCallsPerConnection, maxUnsentBytes } from './limits.js';
import { ReadGate } from './read-gate.js';
import { ServerCall, type ServerCallHost } from './server-call.js';
import type { Service, ServiceMethod } from './service.js';

export interface ServerConnectionOptions {
  readonly services: ReadonlyMap<string, Service>;
  readonly stallTimeoutMs: number;
  report(error: unknown): void;
}

const closing = new BerthError('unavailable', 'server is closing');

export class ServerConnection implements ServerCallHost {
  readonly gate: ReadGate;
  readonly stallTimeoutMs: number;
  readonly #socket: FrameSocket;
  readonly #options: ServerConnectionOptions;
  /** Open calls, by stream id. */
  readonly #calls = new Map<number, ServerCall>();
  /** Calls whose handlers run, some of them past their answer. */
  readonly #running = new Map<ServerCall, Promise<void>>();
  #lastStreamId = 0;
  #isClosing = false;
  #resolveClosed: () => void = () => undefined;
  readonly closed = new Promise<void>((resolve) => {
    this.#resolveClosed = resolve;
  });

  constructor(socket: Duplex, options: ServerConnectionOptions) {
    this.#options = options;
    this.stallTimeoutMs = options.stallTimeoutMs;
    this.gate = new ReadGate((paused) => this.#socket.setPaused(paused));
    this.#socket = new FrameSocket(socket, 'ttrpc client', {
      frame: (header, payload) => this.#receive(header, payload),
      oversize: (header) => this.#refuse(header.streamId, oversizeError(header.length)),
      closed: (reason) => this.#closed(reason),
    });
  }

  send(frame: Uint8Array): void {
    this.#socket.send(frame);
    if (this.#socket.unsentBytes <= maxUnsentBytes) return;
    // The client does not read its answers: take no more requests until it does.
    this.gate.hold(this, 'hard');
    void this.#socket.drained()?.then(() => this.gate.hold(this, 'none'));
  }

  drained(): Promise<void> | undefined {
    return this.#socket.drained();
  }

  answered(streamId: number): void {
    this.#calls.delete(streamId);
  }

  report(error: unknown): void {
    this.#options.report(error);
  }

  /** Takes no more requests, ends streams, and waits for the handlers that run. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    for (const call of this.#calls.values()) if (call.isStreaming) call.abort(closing);
    await Promise.all(this.#running.values());
  }

  /** Aborts what is left and closes the socket once the answers have left. */
  end(): void {
    this.#isClosing = true;
    for (const call of this.#calls.values()) call.abort(closing);
    this.#socket.end(flushTimeoutMs);
  }

  #receive(header: FrameHeader, payload: Uint8Array): void {
    const { streamId, type, flags } = header;
    if (streamId % 2 !== 1) {
      this.#refuse(streamId, new BerthError('invalid-argument', 'StreamID must be odd for client initiated streams'));
    } else if (type === frameTypes.request) {
      this.#open(streamId, flags, payload);
    } else if (type === frameTypes.data) {
      const call = this.#calls.get(streamId);
      if (call !== undefined) call.data(flags, payload);
      // Below the last id it is data that crossed our answer on the way.
      else if (streamId > this.#lastStreamId) {
        this.#refuse(streamId, new BerthError('invalid-argument', `stream ${streamId} is not open`));
      }
    }
    // Other types are for later versions of the protocol, and are skipped as containerd/ttrpc does.
  }

  #open(streamId: number, flags: number, payload: Uint8Array): void {
    try {
      if (streamId <= this.#lastStreamId) {
        throw new BerthError('invalid-argument', 'StreamID cannot be re-used and must increment');
      }
      this.#lastStreamId = streamId;
      if (this.#isClosing) throw closing;
      if (this.#running.size >= maxCallsPerConnection) {
        throw new BerthError('resource-exhausted', `more than ${maxCallsPerConnection} calls on one connection`);
      }
      const request = decodeRequest(payload);
      this.#start(streamId, flags, request, this.#find(request));
    } catch (error) {
      this.#refuse(
        streamId,
        isBerthError(error) ? error : new BerthError('invalid-argument', `undecodable request: ${messageOf(error)}`),
      );
    }
  }

  #start(streamId: number, flags: number, request: Request, method: ServiceMethod): void {
    const call = new ServerCall(streamId, flags, `${request.service}/${request.method}`, method, this);
    this.#calls.set(streamId, call);
    const handled = call.run(request).finally(() => this.#running.delete(call));
    this.#running.set(call, handled);
  }

  #find(request: Request): ServiceMethod {
    const service = this.#options.services.get(request.service);
    if (service === undefined) throw new BerthError('unimplemented', `service ${request.service}`);
    const method = service.methods.get(request.method);
    if (method === undefined) throw new BerthError('unimplemented', `method ${request.service}/${request.method}`);
    return method;
  }

  /** Answers a frame; a call that is open on its stream ends with it. */
  #refuse(streamId: number, error: BerthError): void {
    const call = this.#calls.get(streamId);
    if (call === undefined) this.send(encodeFailure(streamId, error));
    else call.abort(error);
  }

  #closed(reason: BerthError | undefined): void {
    const lost = reason ?? closing;
    for (const call of this.#calls.values()) call.abort(lost);
    if (reason !== undefined && reason.kind !== 'unavailable') this.#options.report(reason);
    this.#resolveClosed();
  }
}
