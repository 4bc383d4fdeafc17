// A ttrpc server: whoever owns the listening socket hands it the connections.
import type { Duplex } from 'node:stream';
import { DeadlineError, withDeadline } from '../base/deadline.js';
import { drainTimeoutMs, streamStallTimeoutMs } from './limits.js';
import { ServerConnection } from './server-connection.js';
import type { Service } from './service.js';

export type { CallContext, Implementation } from './definition.js';
export { implement, type Service } from './service.js';

export interface ServeTtrpcOptions {
  readonly services: readonly Service[];
  /** What handlers threw that is no BerthError, and what came in that is no ttrpc. */
  readonly onError?: (error: unknown) => void;
  readonly streamStallTimeoutMs?: number;
}

export interface TtrpcServer extends AsyncDisposable {
  /** Serves a connected socket until either side closes it. */
  accept(socket: Duplex): void;
  /**
   * Refuses new calls, ends streams, waits for the other calls up to a time limit, aborts the rest and closes every
   * connection. Never rejects. A handler must not await it: it would wait for itself.
   */
  close(options?: { readonly drainTimeoutMs?: number }): Promise<void>;
}

export function serveTtrpc(options: ServeTtrpcOptions): TtrpcServer {
  const services = new Map(options.services.map((service) => [service.fullName, service]));
  const connections = new Set<ServerConnection>();
  let closing: Promise<void> | undefined;

  const accept = (socket: Duplex): void => {
    if (closing !== undefined) {
      socket.on('error', () => undefined).destroy();
      return;
    }
    const connection = new ServerConnection(socket, {
      services,
      stallTimeoutMs: options.streamStallTimeoutMs ?? streamStallTimeoutMs,
      report: (error) => options.onError?.(error),
    });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  };

  const drain = async (limitMs: number): Promise<void> => {
    const open = [...connections];
    try {
      await withDeadline(Promise.all(open.map((connection) => connection.drain())), limitMs, 'draining');
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
    }
    for (const connection of open) connection.end();
    await Promise.all(open.map((connection) => connection.closed));
  };

  const close: TtrpcServer['close'] = (limits = {}) => {
    closing ??= drain(limits.drainTimeoutMs ?? drainTimeoutMs);
    return closing;
  };

  return { accept, close, [Symbol.asyncDispose]: () => close() };
}
