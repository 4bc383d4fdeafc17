// One gRPC connection to berthd: calls by generated method definition, with namespace, deadline and Berth's errors.
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { BerthError, kindFromStatusCode } from '../domain/errors.js';
import { endpointOf, isTcp, socketPath } from './endpoint.js';

type Method<Request, Response> = Pick<
  MethodDefinition<Request, Response>,
  'path' | 'requestSerialize' | 'responseDeserialize'
>;

export interface CallSettings {
  readonly signal?: AbortSignal;
  /** No deadline at all: for calls that wait for something to happen. */
  readonly endless?: boolean;
  /** The lease that is to hold what the call makes. */
  readonly lease?: string;
}

/** A daemon that has not answered by then hangs. */
const callLimitMs = 120_000;
/** Of one message; containerd's clients accept as much. */
const maxMessageBytes = 16 * 1024 * 1024;

export class Connection {
  readonly client: Client;

  constructor(
    readonly address: string,
    readonly namespace: string,
    tlsDir = '',
  ) {
    const { target, credentials } = endpointOf(address, tlsDir);
    this.client = new Client(target, credentials, {
      'grpc.enable_http_proxy': 0,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.max_receive_message_length': maxMessageBytes,
    });
  }

  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    settings: CallSettings = {},
  ): Promise<Response> {
    const { signal } = settings;
    signal?.throwIfAborted();
    let cancel: (() => void) | undefined;
    try {
      return await new Promise<Response>((resolve, reject) => {
        const call = this.client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          this.metadata(settings.lease),
          callOptions(settings),
          (error: ServiceError | null, response?: Response) => {
            if (response !== undefined) resolve(response);
            else reject(this.errorFrom(error, method.path));
          },
        );
        cancel = () => call.cancel();
        signal?.addEventListener('abort', cancel);
      });
    } finally {
      if (cancel !== undefined) signal?.removeEventListener('abort', cancel);
    }
  }

  /** The messages of a server's stream; leaving the loop cancels the call. */
  async *stream<Request, Response>(method: Method<Request, Response>, request: Request): AsyncGenerator<Response> {
    const call: ClientReadableStream<Response> = this.client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      this.metadata(),
    );
    yield* this.#responses(call, method.path);
  }

  /** Sends requests as they come, no faster than the daemon takes them, and gives what it answers. */
  async *upload<Request, Response>(
    method: Method<Request, Response>,
    requests: AsyncIterable<Request>,
  ): AsyncGenerator<Response> {
    const call = this.client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.metadata(),
    );
    let failure: unknown;
    const sending = sendAll(call, requests).catch((error: unknown) => {
      failure = error;
      call.cancel();
    });
    try {
      yield* this.#responses(call, method.path);
    } catch (error) {
      // Reading what was to be sent failed first.
      throw failure ?? error;
    }
    await sending;
  }

  /** Any call, whatever streams it has: on the wire all are streams of requests and responses. */
  async *callAny<Request, Response>(
    method: Method<Request, Response>,
    requests: readonly Request[],
  ): AsyncGenerator<Response> {
    const call = this.client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.metadata(),
    );
    for (const request of requests) call.write(request);
    call.end();
    yield* this.#responses(call, method.path);
  }

  metadata(lease = ''): Metadata {
    const metadata = new Metadata();
    metadata.set('containerd-namespace', this.namespace);
    if (lease !== '') metadata.set('containerd-lease', lease);
    return metadata;
  }

  /** A failed call's status as a BerthError; the server's own text is the message. */
  errorFrom(error: unknown, path: string): BerthError {
    if (!isServiceError(error)) return new BerthError('internal', `${path} failed`, { cause: error });
    const kind = kindFromStatusCode(error.code);
    if (kind === 'unavailable' && /connect |No connection established/.test(error.details)) {
      return new BerthError(kind, unreachable(this.address, error.details), { cause: error });
    }
    return new BerthError(kind, error.details || `${path} failed: ${kind}`, { cause: error });
  }

  close(): void {
    this.client.close();
  }

  async *#responses<Response>(
    call: ClientReadableStream<Response> | ClientDuplexStream<unknown, Response>,
    path: string,
  ): AsyncGenerator<Response> {
    // The cancellation below would else be an uncaught error.
    call.on('error', () => undefined);
    try {
      for await (const message of call) yield message as Response;
    } catch (error) {
      throw this.errorFrom(error, path);
    } finally {
      call.cancel();
    }
  }
}

function unreachable(address: string, details: string): string {
  if (isTcp(address)) return `cannot reach berthd at ${address}: ${details}`;
  const path = socketPath(address);
  if (details.includes('EACCES')) return `no permission to use ${path}: run as root, or join the socket's group`;
  const why = details.includes('ECONNREFUSED') ? 'nobody listens there' : 'there is no such socket';
  return `cannot reach berthd at ${path} (${why}): start it with 'berthd' as root, or name its socket with --address`;
}

function callOptions(settings: CallSettings): CallOptions {
  return settings.endless === true ? {} : { deadline: Date.now() + callLimitMs };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/** Stops where the call is over: its answer tells why. */
async function sendAll<Request>(
  call: ClientDuplexStream<Request, unknown>,
  requests: AsyncIterable<Request>,
): Promise<void> {
  let isOver = false;
  const over = new Promise<void>((resolve) => {
    const end = (): void => {
      isOver = true;
      resolve();
    };
    call.once('status', end);
    call.once('error', end);
  });
  for await (const request of requests) {
    if (isOver) return;
    if (!call.write(request)) await Promise.race([new Promise((resolve) => call.once('drain', resolve)), over]);
  }
  if (!isOver) call.end();
}
