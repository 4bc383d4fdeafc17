// A ttrpc client over a connected socket or a socket's path, typed by the service's definition.
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BerthError } from '../domain/errors.js';
import { ClientConnection } from './client-connection.js';
import type { CallOptions, Client, ServiceDefinition } from './definition.js';
import { streamStallTimeoutMs } from './limits.js';

export type { CallOptions, Client } from './definition.js';

export interface ConnectTtrpcOptions {
  /** Names the other end in errors. */
  readonly peer?: string;
  readonly streamStallTimeoutMs?: number;
}

export interface TtrpcConnection extends AsyncDisposable {
  /** Resolves once the connection is gone: to undefined where this side closed it, else to what ended it. */
  readonly closed: Promise<BerthError | undefined>;
  /** Calls that wait are rejected with `unavailable`. */
  close(): Promise<void>;
  client<D extends ServiceDefinition>(definition: D): Client<D>;
}

export function connectTtrpc(socket: Duplex, options: ConnectTtrpcOptions = {}): TtrpcConnection {
  const connection = new ClientConnection(
    socket,
    options.peer ?? 'ttrpc server',
    options.streamStallTimeoutMs ?? streamStallTimeoutMs,
  );
  const close = async (): Promise<void> => {
    connection.close();
    await connection.closed;
  };
  return {
    closed: connection.closed,
    close,
    client: (definition) => clientOf(connection, definition),
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Connects to a unix socket. Rejects with `unavailable` when nobody listens on `path`, `deadline-exceeded` when the
 * listener does not take the connection in time; each names the path.
 */
export async function dialTtrpc(path: string, options: { readonly timeoutMs: number }): Promise<TtrpcConnection> {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new BerthError('invalid-argument', `socket path ${path} is longer than ${maxSocketPathBytes} bytes`);
  }
  return connectTtrpc(await openSocket(path, options.timeoutMs), { peer: path });
}

/** sun_path of Linux without its closing zero. A longer one might be cut, and reach somebody else. */
const maxSocketPathBytes = 107;

function openSocket(path: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => {
      socket.destroy(new BerthError('deadline-exceeded', `${path}: no connection within ${timeoutMs} ms`));
    }, timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(dialError(path, error));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

function dialError(path: string, error: NodeJS.ErrnoException): BerthError {
  if (error instanceof BerthError) return error;
  const cause = { cause: error };
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new BerthError('unavailable', `nobody listens on ${path}`, cause);
  }
  if (error.code === 'EACCES') return new BerthError('permission-denied', `no access to ${path}`, cause);
  return new BerthError('unavailable', `cannot connect to ${path}: ${error.message}`, cause);
}

function clientOf<D extends ServiceDefinition>(connection: ClientConnection, definition: D): Client<D> {
  const service = definition.fullName;
  const calls = Object.entries(definition.methods).map(([key, method]) => [
    key,
    (input: unknown, options: CallOptions = {}) =>
      method.responseStream
        ? connection.callForMany(service, method, input, options)
        : connection.callForOne(service, method, input, options),
  ]);
  return Object.fromEntries(calls) as Client<D>;
}
