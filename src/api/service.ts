// Between grpc-js and plain functions: a handler takes a request and a call, and returns a promise or an async iterable.
// Cancellation becomes an AbortSignal; whatever a handler throws becomes a status.
import { type EventEmitter, once } from 'node:events';
import type * as grpc from '@grpc/grpc-js';
import type { Log } from '../base/log.js';
import { BerthError, isBerthError } from '../domain/errors.js';
import { isChange, logChange } from './audit.js';
import { Call } from './call.js';
import { EagerCall } from './eager-call.js';
import { EncodedMessage } from './encoded-message.js';
import { statusFromError } from './status.js';

/** One RPC in a service that ts-proto generated for grpc-js. */
interface RpcDefinition {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  // The methods' bivariance lets definitions of any message fit.
  requestDeserialize(bytes: Buffer): unknown;
  responseSerialize(message: never): Buffer;
}

type ServiceDefinition = Readonly<Record<string, RpcDefinition>>;

type Request<R extends RpcDefinition> = ReturnType<R['requestDeserialize']>;
type Response<R extends RpcDefinition> = Parameters<R['responseSerialize']>[0];
type Input<R extends RpcDefinition> = R['requestStream'] extends true ? AsyncIterable<Request<R>> : Request<R>;
type Output<R extends RpcDefinition> = R['responseStream'] extends true
  ? AsyncIterable<Response<R> | EncodedMessage | Buffer>
  : Promise<Response<R> | EncodedMessage>;

/**
 * What a service has to supply: every RPC of its definition. A message may be encoded already; a stream may also yield
 * Buffers: such a one is with the transport when the next is asked for, and may then be used again.
 */
export type Handlers<S extends ServiceDefinition> = {
  readonly [K in keyof S]: (request: Input<S[K]>, call: Call) => Output<S[K]>;
};

export interface ServiceContext {
  readonly log: Log;
  /** Aborted when the daemon stops: streams and waits then end with UNAVAILABLE, so that clients reconnect. */
  readonly closing: AbortSignal;
}

/**
 * What a server needs for `addService`. Without an interceptor, grpc-js begins a call whose deadline had passed before its
 * request ended, and tells it never that it is over; with one, what comes after the end of a call is ignored.
 */
export const callOptions: grpc.ServerOptions = {
  interceptors: [(_method, call) => new EagerCall(call)],
};

/** Adds a service to the server. */
export function addService<S extends ServiceDefinition & grpc.ServiceDefinition>(
  server: grpc.Server,
  definition: S,
  handlers: Handlers<S>,
  { log, closing }: ServiceContext,
): void {
  const implementation: Record<string, grpc.UntypedHandleCall> = {};
  for (const [name, rpc] of Object.entries<RpcDefinition>(definition)) {
    const handler = handlers[name] as Handler;
    const encode = (message: unknown) => encodeWith(rpc, message);
    const context = { log: log.child({ rpc: rpc.path }), closing, isChange: isChange(rpc.path), encode };
    implementation[name] = adapt(rpc, handler, context);
  }
  server.addService(withEncodedMessages(definition), implementation);
}

function encodeWith(rpc: RpcDefinition, message: unknown): EncodedMessage {
  return message instanceof EncodedMessage ? message : new EncodedMessage(rpc.responseSerialize(message as never));
}

function withEncodedMessages(definition: grpc.ServiceDefinition): grpc.ServiceDefinition {
  return Object.fromEntries(
    Object.entries(definition).map(([name, rpc]) => {
      const { responseSerialize: encode } = rpc;
      const responseSerialize = (message: unknown) => {
        if (message instanceof EncodedMessage) return message.bytes;
        return Buffer.isBuffer(message) ? message : encode(message);
      };
      return [name, { ...rpc, responseSerialize }];
    }),
  );
}

interface RpcContext extends ServiceContext {
  readonly isChange: boolean;
  /** Throws where the answer is no message of the RPC's. */
  readonly encode: (message: unknown) => EncodedMessage;
}

type Handler = (request: unknown, call: Call) => Promise<unknown> | AsyncIterable<unknown>;

type ServerCall =
  | grpc.ServerUnaryCall<unknown, unknown>
  | grpc.ServerReadableStream<unknown, unknown>
  | grpc.ServerWritableStream<unknown, unknown>
  | grpc.ServerDuplexStream<unknown, unknown>;
type StreamOut = grpc.ServerWritableStream<unknown, unknown> | grpc.ServerDuplexStream<unknown, unknown>;

function adapt(rpc: RpcDefinition, handler: Handler, context: RpcContext): grpc.UntypedHandleCall {
  if (rpc.responseStream) {
    return (stream: StreamOut) => {
      void answerStream(stream, (call) => handler(inputOf(rpc, stream, call), call) as AsyncIterable<unknown>, context);
    };
  }
  return (unary: ServerCall, callback: grpc.sendUnaryData<unknown>) => {
    void answerUnary(unary, (call) => handler(inputOf(rpc, unary, call), call) as Promise<unknown>, callback, context);
  };
}

function inputOf(rpc: RpcDefinition, wire: ServerCall, call: Call): unknown {
  return rpc.requestStream ? messagesOf(wire as AsyncIterable<unknown>, call) : (wire as { request: unknown }).request;
}

/** Until the client has no more, or the call is over. Leaving early must not destroy the stream: it carries the answer. */
async function* messagesOf(stream: AsyncIterable<unknown>, { signal }: Call): AsyncGenerator {
  const iterator = stream[Symbol.asyncIterator]();
  let stop: (() => void) | undefined;
  signal.addEventListener('abort', () => stop?.(), { once: true });
  while (!signal.aborted) {
    // No race with a promise for the whole call: that would remember every message until then.
    const next = await new Promise<IteratorResult<unknown> | undefined>((resolve, reject) => {
      stop = () => resolve(undefined);
      iterator.next().then(resolve, reject);
    });
    if (next === undefined || next.done === true) return;
    yield next.value;
  }
}

function callOf(wire: ServerCall, closing: AbortSignal): Call {
  return new Call(wire.metadata, (abort) => {
    if (wire.cancelled || closing.aborted) abort();
    // Every kind of call is an emitter; their union has no common signature of `once`.
    (wire as EventEmitter).once('cancelled', abort);
    // Not AbortSignal.any: what lives as long as the daemon would remember each of its signals (Node 20).
    closing.addEventListener('abort', abort, { once: true });
    return () => closing.removeEventListener('abort', abort);
  });
}

async function answerUnary(
  unary: ServerCall,
  handle: (call: Call) => Promise<unknown>,
  callback: grpc.sendUnaryData<unknown>,
  context: RpcContext,
): Promise<void> {
  const { log, closing } = context;
  const call = callOf(unary, closing);
  try {
    const response = context.encode(await handle(call));
    callback(null, response);
    tellChange(context, unary, call);
  } catch (error) {
    tellChange(context, unary, call, error);
    if (unary.cancelled) return;
    const reason = closing.aborted && isBerthError(error, 'cancelled') ? stopping() : error;
    callback(statusFromError(reason, log), null);
  } finally {
    call.end();
  }
}

async function answerStream(
  stream: StreamOut,
  handle: (call: Call) => AsyncIterable<unknown>,
  context: RpcContext,
): Promise<void> {
  const { log, closing } = context;
  const call = callOf(stream, closing);
  try {
    for await (const message of handle(call)) {
      if (stream.cancelled || closing.aborted) break;
      await send(stream, message, call);
    }
    if (closing.aborted) throw stopping();
    stream.end();
    tellChange(context, stream, call);
  } catch (error) {
    tellChange(context, stream, call, error);
    // A client that has gone away needs no answer.
    if (!stream.cancelled) stream.emit('error', statusFromError(closing.aborted ? stopping() : error, log));
  } finally {
    call.end();
  }
}

function tellChange(context: RpcContext, wire: ServerCall, call: Call, error?: unknown): void {
  if (!context.isChange) return;
  const { request } = wire as { readonly request?: unknown };
  logChange(context.log, wire, { call, request, error });
}

/** Within the bound of what the stream keeps for a slow client. */
async function send(stream: StreamOut, message: unknown, call: Call): Promise<void> {
  if (Buffer.isBuffer(message)) {
    // Called also when the stream is destroyed, as it is when the client goes away.
    await new Promise<void>((resolve) => {
      stream.write(message, () => resolve());
    });
  } else if (!stream.write(message)) {
    await once(stream, 'drain', { signal: call.signal });
  }
}

function stopping(): BerthError {
  return new BerthError('unavailable', 'berthd is stopping: connect again');
}
