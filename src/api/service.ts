// Between grpc-js and plain functions: a handler takes a request and a call, and returns a promise or an async iterable.
// Cancellation becomes an AbortSignal; whatever a handler throws becomes a status.
import { type EventEmitter, once } from 'node:events';
import type * as grpc from '@grpc/grpc-js';
import type { Log } from '../base/log.js';
import { Call } from './call.js';
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
  ? AsyncIterable<Response<R>>
  : Promise<Response<R>>;

/** What a service has to supply: every RPC of its definition. */
export type Handlers<S extends ServiceDefinition> = {
  readonly [K in keyof S]: (request: Input<S[K]>, call: Call) => Output<S[K]>;
};

/** Adds a service to the server. */
export function addService<S extends ServiceDefinition & grpc.ServiceDefinition>(
  server: grpc.Server,
  definition: S,
  handlers: Handlers<S>,
  log: Log,
): void {
  const implementation: Record<string, grpc.UntypedHandleCall> = {};
  for (const [name, rpc] of Object.entries<RpcDefinition>(definition)) {
    const handler = handlers[name] as Handler;
    implementation[name] = adapt(rpc, handler, log.child({ rpc: rpc.path }));
  }
  server.addService(definition, implementation);
}

type Handler = (request: unknown, call: Call) => Promise<unknown> | AsyncIterable<unknown>;

type ServerCall =
  | grpc.ServerUnaryCall<unknown, unknown>
  | grpc.ServerReadableStream<unknown, unknown>
  | grpc.ServerWritableStream<unknown, unknown>
  | grpc.ServerDuplexStream<unknown, unknown>;
type StreamOut = grpc.ServerWritableStream<unknown, unknown> | grpc.ServerDuplexStream<unknown, unknown>;

function adapt(rpc: RpcDefinition, handler: Handler, log: Log): grpc.UntypedHandleCall {
  if (rpc.responseStream) {
    return (stream: StreamOut) => {
      void answerStream(stream, (call) => handler(inputOf(rpc, stream), call) as AsyncIterable<unknown>, log);
    };
  }
  return (call: ServerCall, callback: grpc.sendUnaryData<unknown>) => {
    void answerUnary(call, () => handler(inputOf(rpc, call), callOf(call)) as Promise<unknown>, callback, log);
  };
}

function inputOf(rpc: RpcDefinition, call: ServerCall): unknown {
  return rpc.requestStream ? call : (call as { request: unknown }).request;
}

function callOf(call: ServerCall): Call {
  const aborter = new AbortController();
  // Every kind of call is an emitter; their union has no common signature of `once`.
  (call as EventEmitter).once('cancelled', () => aborter.abort());
  return new Call(call.metadata, aborter.signal);
}

async function answerUnary(
  call: ServerCall,
  handle: () => Promise<unknown>,
  callback: grpc.sendUnaryData<unknown>,
  log: Log,
): Promise<void> {
  try {
    const response = await handle();
    callback(null, response);
  } catch (error) {
    if (!call.cancelled) callback(statusFromError(error, log), null);
  }
}

async function answerStream(
  stream: StreamOut,
  handle: (call: Call) => AsyncIterable<unknown>,
  log: Log,
): Promise<void> {
  const call = callOf(stream);
  try {
    for await (const message of handle(call)) {
      if (call.signal.aborted) return;
      if (!stream.write(message)) await once(stream, 'drain', { signal: call.signal });
    }
    stream.end();
  } catch (error) {
    // A client that has gone away needs no answer.
    if (!call.signal.aborted) stream.emit('error', statusFromError(error, log));
  }
}
