// Calls a gRPC method by its generated definition, as a promise or as an async iterable.
import { type CallOptions, type Client, Metadata, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';

export type Method<Request, Response> = Pick<
  MethodDefinition<Request, Response>,
  'path' | 'requestSerialize' | 'responseDeserialize'
>;

export interface RpcOptions {
  readonly namespace?: string;
  /** The lease that is to hold what the call makes. */
  readonly lease?: string;
  readonly limitMs?: number;
}

/** No call of a test takes longer, but a Wait that hangs. */
const callLimitMs = 20_000;

export async function callRpc<Request, Response>(
  client: Client,
  method: Method<Request, Response>,
  request: Request,
  options: RpcOptions = {},
): Promise<Response> {
  return await new Promise<Response>((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadataFor(options),
      callOptions(options),
      (error: ServiceError | null, response?: Response) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new Error(`${method.path} answered nothing`));
        else resolve(response);
      },
    );
  });
}

export interface RpcStream<Response> {
  /** What has come so far. */
  readonly received: readonly Response[];
  /** Resolves when the stream has ended in whatever way; the error is undefined where it ended well. */
  readonly ended: Promise<ServiceError | undefined>;
  cancel(): void;
}

export function streamRpc<Request, Response>(
  client: Client,
  method: Method<Request, Response>,
  request: Request,
  options: RpcOptions = {},
): RpcStream<Response> {
  const call = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    metadataFor(options),
    callOptions(options),
  );
  const received: Response[] = [];
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    call.on('data', (message: Response) => received.push(message));
    call.on('error', (error: ServiceError) => resolve(error));
    call.on('end', () => resolve(undefined));
  });
  return { received, ended, cancel: () => call.cancel() };
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}

export function metadataFor(options: RpcOptions): Metadata {
  const metadata = new Metadata();
  if (options.namespace !== undefined) metadata.set('containerd-namespace', options.namespace);
  if (options.lease !== undefined) metadata.set('containerd-lease', options.lease);
  return metadata;
}

function callOptions(options: RpcOptions): CallOptions {
  return { deadline: Date.now() + (options.limitMs ?? callLimitMs) };
}
