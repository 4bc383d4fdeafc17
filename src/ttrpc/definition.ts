// The types between ts-proto's generic service definitions and typed handlers and clients.
import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** What ts-proto emits per message. Declared with methods, so that a type of any message is a `MessageType<unknown>`. */
export interface MessageType<T> {
  encode(message: T, writer: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader): T;
}

export interface MethodDefinition {
  readonly name: string;
  readonly requestType: MessageType<unknown>;
  readonly requestStream: boolean;
  readonly responseType: MessageType<unknown>;
  readonly responseStream: boolean;
}

/** What ts-proto emits with `outputServices=generic-definitions`. */
export interface ServiceDefinition {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

export type RequestOf<M extends MethodDefinition> = ReturnType<M['requestType']['decode']>;
export type ResponseOf<M extends MethodDefinition> = ReturnType<M['responseType']['decode']>;

export type Metadata = ReadonlyMap<string, readonly string[]>;

export interface CallContext {
  /** Aborts when the client is gone or cancels a stream, the deadline passes, or the server closes. */
  readonly signal: AbortSignal;
  /** Keys are lower case. */
  readonly metadata: Metadata;
  readonly deadline: Date | undefined;
}

type Input<M extends MethodDefinition> = M['requestStream'] extends true ? AsyncIterable<RequestOf<M>> : RequestOf<M>;

/** A streaming method's handler is an async generator; it is asked for the next message when the socket takes it. */
export type Handler<M extends MethodDefinition> = (
  input: Input<M>,
  context: CallContext,
) => M['responseStream'] extends true ? AsyncIterable<ResponseOf<M>> : Promise<ResponseOf<M>>;

export type Implementation<D extends ServiceDefinition> = {
  readonly [K in keyof D['methods']]: Handler<D['methods'][K]>;
};

export interface CallOptions {
  /** Sent to the server too, which stops the handler. */
  readonly timeoutMs?: number;
  /** Ends the call at this side; the server learns it for streams only, as ttrpc has no cancel frame. */
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * A streaming call starts at once, not at the first `next()`; its responses can be iterated once. Leaving the loop
 * cancels it.
 */
export type Client<D extends ServiceDefinition> = {
  readonly [K in keyof D['methods']]: (
    input: Input<D['methods'][K]>,
    options?: CallOptions,
  ) => D['methods'][K]['responseStream'] extends true
    ? AsyncIterableIterator<ResponseOf<D['methods'][K]>>
    : Promise<ResponseOf<D['methods'][K]>>;
};
