// HTTP with time-outs on every silence. Failures of the network are `unavailable`; whoever calls may try again.
import { createRequire } from 'node:module';
import type * as Undici from 'undici';
import { BerthError, messageOf } from '../../domain/errors.js';
import type { Certificates } from './certificates.js';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be read to its end, or left by `discard`. Failures while reading are `unavailable` too. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the rest of the body up. */
  discard(): Promise<void>;
}

export interface TransportOptions {
  readonly certificates: Certificates;
  readonly verify: boolean;
  /** Silence of a server for so long is an end. */
  readonly stallMs: number;
}

/** Of one registry; more would not be quicker. */
const maxConnections = 8;
/** Bytes of an answer that is given up which are still read, so that its connection can be used again. */
const discardBytes = 64 * 1024;

export class HttpTransport {
  readonly #undici: typeof Undici;
  readonly #agent: Undici.Agent;

  constructor({ certificates: { authorities, client }, verify, stallMs }: TransportOptions) {
    // Loaded when a registry is spoken to: it would cost every start of the daemon as much as LevelDB does.
    this.#undici = createRequire(import.meta.url)('undici') as typeof Undici;
    this.#agent = new this.#undici.Agent({
      connections: maxConnections,
      headersTimeout: stallMs,
      bodyTimeout: stallMs,
      connect: {
        timeout: stallMs,
        ca: [...authorities],
        rejectUnauthorized: verify,
        ...(client && { cert: client.certificate, key: client.key }),
      },
    });
  }

  async send({ method, url, headers, body, signal }: HttpRequest): Promise<HttpAnswer> {
    signal.throwIfAborted();
    try {
      const options = { dispatcher: this.#agent, method, headers, signal, ...(body !== undefined && { body }) };
      const answer = await this.#undici.request(url, options as Parameters<typeof Undici.request>[1]);
      return {
        status: answer.statusCode,
        headers: flat(answer.headers),
        body: readable(answer.body, url, signal),
        discard: async () => await answer.body.dump({ limit: discardBytes }).catch(() => undefined),
      };
    } catch (error) {
      throw networkError(error, url, signal);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Whether the server does not speak TLS at all. */
export function isWithoutTls(error: unknown): boolean {
  const cause = error instanceof BerthError ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG';
}

async function* readable(body: AsyncIterable<Uint8Array>, url: URL, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw networkError(error, url, signal);
  }
}

/** What was sent in the URL beside the path may be a signature: it is not told. */
function networkError(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return new BerthError('cancelled', `the call to ${url.host} was cancelled`, { cause: error });
  if (error instanceof BerthError) return error;
  return new BerthError('unavailable', `${url.origin}${url.pathname}: ${reasonOf(error)}`, { cause: error });
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ECONNREFUSED':
      return 'nobody listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name of the host cannot be resolved';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return 'the server fell silent';
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the server cut the connection';
    default:
      return messageOf(error);
  }
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
