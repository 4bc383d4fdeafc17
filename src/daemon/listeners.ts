// Where the daemon serves: a unix socket, and where the configuration asks for it TCP with mutual TLS.
import { readFileSync } from 'node:fs';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { type Listener, listenOnSocket, listenOnTcp } from '../api/listener.js';
import type { Log } from '../base/log.js';
import { BerthError, messageOf } from '../domain/errors.js';
import type { Configuration } from './configuration.js';
import { claimSocket } from './socket.js';
import { splitTcpAddress } from './tcp-address.js';

export async function openListeners(server: Server, configuration: Configuration, log: Log): Promise<Listener> {
  const { address, tcpAddress } = configuration;
  // Before anything is opened: what cannot be read is a mistake in the configuration.
  const tls = tcpAddress === '' ? undefined : tlsCredentials(configuration);
  await claimSocket(address);
  const listeners = [
    await opened(address, listenOnSocket(server, ServerCredentials.createInsecure(), { path: address, log })),
  ];
  if (tls !== undefined) {
    const { host, port } = splitTcpAddress(tcpAddress);
    listeners.push(await opened(tcpAddress, listenOnTcp(server, tls, { host, port, log })));
    log.info('serves on TCP, with TLS, for clients with a certificate', { address: tcpAddress });
  }
  return {
    close: () => {
      for (const listener of listeners) listener.close();
    },
    endConnections: () => {
      for (const listener of listeners) listener.endConnections();
    },
  };
}

async function opened(address: string, opening: Promise<Listener>): Promise<Listener> {
  try {
    return await opening;
  } catch (error) {
    throw new BerthError('unavailable', `cannot listen on ${address}: ${messageOf(error)}`, { cause: error });
  }
}

/** Clients must show a certificate of that authority. */
function tlsCredentials({ tlsCert, tlsKey, tlsClientCa }: Configuration): ServerCredentials {
  const [certChain, privateKey, clientCa] = [tlsCert, tlsKey, tlsClientCa].map(readPem) as [Buffer, Buffer, Buffer];
  try {
    return ServerCredentials.createSsl(clientCa, [{ cert_chain: certChain, private_key: privateKey }], true);
  } catch (error) {
    throw new BerthError('invalid-argument', `the TLS certificates cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new BerthError('invalid-argument', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
