// The client's side of one connection: numbers the calls, sends their requests, routes the answers to them.
import type { Duplex } from 'node:stream';
import { BerthError } from '../domain/errors.js';
import { timeoutNanosFrom } from './call-limits.js';
import { ClientCall, type ClientCallHost, decodeResponseMessage, type Outcome } from './client-call.js';
import type { CallOptions, MethodDefinition } from './definition.js';
import { encodeRequest, metadataFrom } from './envelope.js';
import { frameFlags, oversizeError } from './frame.js';
import { FrameSocket } from './frame-socket.js';
import { InboundQueue } from './inbound-queue.js';
import { maxCallsPerConnection } from './limits.js';
import { ReadGate } from './read-gate.js';

/** The client's are odd, and never used twice. */
const maxStreamId = 2 ** 32 - 1;

const noBytes = new Uint8Array(0);

export class ClientConnection implements ClientCallHost {
  readonly #socket: FrameSocket;
  readonly #gate: ReadGate;
  readonly #peer: string;
  readonly #stallTimeoutMs: number;
  readonly #calls = new Map<number, ClientCall>();
  #nextStreamId = 1;
  #lost: BerthError | undefined;
  #resolveClosed: (reason: BerthError | undefined) => void = () => undefined;
  readonly closed = new Promise<BerthError | undefined>((resolve) => {
    this.#resolveClosed = resolve;
  });

  constructor(socket: Duplex, peer: string, stallTimeoutMs: number) {
    this.#peer = peer;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#gate = new ReadGate((paused) => this.#socket.setPaused(paused));
    this.#socket = new FrameSocket(socket, peer, {
      // Frames of calls that were given up find nobody, and are dropped.
      frame: ({ streamId, type, flags }, payload) => this.#calls.get(streamId)?.receive(type, flags, payload),
      oversize: ({ streamId, length }) => this.#calls.get(streamId)?.cancel(oversizeError(length)),
      closed: (reason) => this.#closed(reason),
    });
  }

  send(frame: Uint8Array): void {
    this.#socket.send(frame);
  }

  drained(): Promise<void> | undefined {
    return this.#socket.drained();
  }

  ended(streamId: number): void {
    this.#calls.delete(streamId);
  }

  close(): void {
    this.#lost ??= new BerthError('unavailable', `connection to ${this.#peer} is closed`);
    this.#socket.destroy();
  }

  async callForOne(service: string, method: MethodDefinition, input: unknown, options: CallOptions): Promise<unknown> {
    this.#gate.callStarted();
    try {
      const payload = await new Promise<Uint8Array>((resolve, reject) => {
        let answer: Uint8Array = noBytes;
        const message = (payload: Uint8Array): void => {
          answer = payload;
        };
        this.#start(service, method, input, options, {
          message,
          end: () => resolve(answer),
          fail: reject,
          abort: reject,
        });
      });
      return decodeResponseMessage(method, payload, `${service}/${method.name}`);
    } finally {
      this.#gate.callEnded();
    }
  }

  callForMany(
    service: string,
    method: MethodDefinition,
    input: unknown,
    options: CallOptions,
  ): AsyncIterableIterator<unknown> {
    const name = `${service}/${method.name}`;
    let call: ClientCall | undefined;
    const queue = new InboundQueue({
      decode: (payload) => decodeResponseMessage(method, payload, name),
      gate: this.#gate,
      stallTimeoutMs: this.#stallTimeoutMs,
      onStall: () =>
        call?.cancel(new BerthError('resource-exhausted', `${name}: responses were left unread for too long`)),
      onReturn: () => call?.cancel(new BerthError('cancelled', `${name}: left by the caller`)),
    });
    const outcome: Outcome = {
      message: (payload) => queue.push(payload),
      end: () => queue.end(),
      fail: (error) => queue.fail(error),
      abort: (error) => queue.abort(error),
    };
    try {
      call = this.#start(service, method, input, options, outcome);
    } catch (error) {
      queue.fail(error);
    }
    return queue;
  }

  /** Throws what is known at once; everything later goes to `outcome`. */
  #start(
    service: string,
    method: MethodDefinition,
    input: unknown,
    options: CallOptions,
    outcome: Outcome,
  ): ClientCall {
    const name = `${service}/${method.name}`;
    const streamId = this.#takeableStreamId(name);
    const { requestType, requestStream } = method;
    const frame = encodeRequest(
      streamId,
      requestFlags(method),
      {
        service,
        method: method.name,
        timeoutNanos: timeoutNanosFrom(options.timeoutMs),
        metadata: metadataFrom(options.metadata),
      },
      requestStream ? undefined : (writer) => requestType.encode(input, writer),
    );
    const call = new ClientCall(streamId, name, method, this, outcome);
    call.limitBy(options);
    this.#nextStreamId += 2;
    this.#calls.set(streamId, call);
    this.#socket.send(frame);
    if (requestStream) void call.sendAll(input as AsyncIterable<unknown>);
    return call;
  }

  #takeableStreamId(name: string): number {
    if (this.#lost !== undefined) throw this.#lost;
    if (!this.#socket.isOpen) throw new BerthError('unavailable', `connection to ${this.#peer} is closed`);
    if (this.#calls.size >= maxCallsPerConnection) {
      throw new BerthError('resource-exhausted', `${name}: more than ${maxCallsPerConnection} calls on one connection`);
    }
    if (this.#nextStreamId > maxStreamId) {
      throw new BerthError('unavailable', `${name}: the connection to ${this.#peer} has used up its stream ids`);
    }
    return this.#nextStreamId;
  }

  #closed(reason: BerthError | undefined): void {
    this.#lost ??=
      reason?.kind === 'unavailable'
        ? reason
        : new BerthError('unavailable', reason?.message ?? `connection to ${this.#peer} is closed`, { cause: reason });
    for (const call of this.#calls.values()) call.fail(this.#lost);
    this.#resolveClosed(reason);
  }
}

function requestFlags(method: MethodDefinition): number {
  if (method.requestStream) return frameFlags.remoteOpen;
  return method.responseStream ? frameFlags.remoteClosed : frameFlags.none;
}
