// Where the daemon is: a unix socket, or TCP with a certificate on either side.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { BerthError, messageOf } from '../domain/errors.js';
import { UsageError } from './cli-error.js';

const tcpScheme = 'tcp://';

export interface Endpoint {
  /** As gRPC names it. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
}

export function isTcp(address: string): boolean {
  return address.startsWith(tcpScheme);
}

/** Throws `invalid-argument` for TCP without the certificates that it takes. */
export function endpointOf(address: string, tlsDir: string): Endpoint {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(address)?.[0];
  if (scheme !== undefined && scheme !== tcpScheme && scheme !== 'unix://') {
    throw new UsageError(`address ${address} is neither a socket's path nor ${tcpScheme}HOST:PORT`);
  }
  if (!isTcp(address)) return { target: `unix:${socketPath(address)}`, credentials: credentials.createInsecure() };
  if (tlsDir === '') {
    throw new BerthError('invalid-argument', `${address} needs certificates: name their directory with --tls-dir`);
  }
  const [ca, key, cert] = ['ca.pem', 'key.pem', 'cert.pem'].map((name) => readPem(join(tlsDir, name)));
  const target = `dns:///${address.slice(tcpScheme.length)}`;
  return { target, credentials: credentials.createSsl(ca, key, cert) };
}

/** The path in an address: a path itself, or a unix: URI. */
export function socketPath(address: string): string {
  return resolve(address.replace(/^unix:(?:\/\/)?/, ''));
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new BerthError('invalid-argument', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
