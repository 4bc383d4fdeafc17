// The sockets that clients connect to. They are our own, and their connections are handed to grpc-js, which would hide who is
// at the other end and let any number in.
import { once } from 'node:events';
import { createServer, type Server as SocketServer, type Socket } from 'node:net';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Log } from '../base/log.js';
import { peerCredentials } from '../linux/peer-credentials.js';

/** At once, of one listener; a client holds one or a few. */
export const maxConnections = 1000;
/** For its owner and group, from its first moment on. */
const socketUmask = 0o117;

export interface Listener {
  /** Takes no more connections; those there are go on. */
  close(): void;
  /** Ends them, also those that never said a word, of which grpc-js knows nothing. */
  endConnections(): void;
}

/** Rejects with the system's reason when that cannot be. */
export async function listenOnSocket(
  server: Server,
  credentials: ServerCredentials,
  { path, log }: { readonly path: string; readonly log: Log },
): Promise<Listener> {
  const { listener, closing } = inject(server, credentials, log, nameUnixPeer);
  const umask = process.umask(socketUmask);
  try {
    // Binds before it returns.
    listener.listen(path);
  } finally {
    process.umask(umask);
  }
  await once(listener, 'listening');
  return closing;
}

export async function listenOnTcp(
  server: Server,
  credentials: ServerCredentials,
  { host, port, log }: { readonly host: string; readonly port: number; readonly log: Log },
): Promise<Listener> {
  const { listener, closing } = inject(server, credentials, log, () => undefined);
  listener.listen(port, host);
  await once(listener, 'listening');
  return closing;
}

function inject(
  server: Server,
  credentials: ServerCredentials,
  log: Log,
  onConnection: (socket: Socket) => void,
): { readonly listener: SocketServer; readonly closing: Listener } {
  const injector = server.createConnectionInjector(credentials);
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onConnection(socket);
    injector.injectConnection(socket);
  });
  listener.maxConnections = maxConnections;
  listener.on('drop', () => log.warn('a connection was refused: there are too many', { maxConnections }));
  const endConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return { listener, closing: { close: () => void listener.close(), endConnections } };
}

/** grpc-js tells a call's peer by its socket's remote address, and a unix socket has none. */
function nameUnixPeer(socket: Socket): void {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0) return;
  const { pid, uid, gid } = peerCredentials(handle.fd);
  Object.defineProperty(socket, 'remoteAddress', { value: `pid ${pid}, uid ${uid}, gid ${gid}` });
}
