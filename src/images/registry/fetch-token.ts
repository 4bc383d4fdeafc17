// Gets a bearer token of the server that a registry's challenge names: by GET with basic authentication, or by an OAuth2
// refresh token.
import { BerthError } from '../../domain/errors.js';
import { isLoopbackRegistry } from '../../domain/image-reference.js';
import type { Challenge } from './challenge.js';
import type { HttpTransport } from './http-transport.js';
import { readAnswer, refusalFrom } from './read-answer.js';
import type { Credentials } from './registry-access.js';

const maxTokenBytes = 1024 * 1024;
/** How token servers know us. */
const clientId = 'berth';

export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credentials: Credentials;
  readonly plainHttp: boolean;
  readonly signal: AbortSignal;
}

export async function fetchToken(transport: HttpTransport, request: TokenRequest): Promise<string> {
  const { challenge, credentials, plainHttp } = request;
  const realm = realmOf(challenge, plainHttp);
  const answer =
    credentials.identityToken === '' ? await get(transport, realm, request) : await post(transport, realm, request);
  const what = `a token of ${realm.host}`;
  if (answer.status !== 200) throw await refusalFrom(answer, what);
  const content = await readAnswer(answer, maxTokenBytes, what);
  const token = tokenIn(content);
  if (token === undefined) throw new BerthError('failed-precondition', `${what}: the answer has no token`);
  return token;
}

async function get(transport: HttpTransport, realm: URL, { challenge, scopes, credentials, signal }: TokenRequest) {
  const url = new URL(realm);
  const service = challenge.parameters['service'];
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials.username !== '') url.searchParams.set('account', credentials.username);
  const headers = credentials.username === '' ? {} : { authorization: basicAuthorization(credentials) };
  return await transport.send({ method: 'GET', url, headers, signal });
}

async function post(transport: HttpTransport, url: URL, { challenge, scopes, credentials, signal }: TokenRequest) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: credentials.identityToken,
    client_id: clientId,
    service: challenge.parameters['service'] ?? '',
    scope: scopes.join(' '),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return await transport.send({ method: 'POST', url, headers, body: form.toString(), signal });
}

export function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A password does not go over a wire that others read. */
function realmOf({ parameters }: Challenge, plainHttp: boolean): URL {
  const text = parameters['realm'] ?? '';
  if (!URL.canParse(text)) throw new BerthError('failed-precondition', 'the registry names no token server');
  const realm = new URL(text);
  const isSafe =
    realm.protocol === 'https:' || (realm.protocol === 'http:' && (plainHttp || isLoopbackRegistry(realm.host)));
  if (isSafe) return realm;
  throw new BerthError('permission-denied', `the registry's token server ${realm.origin} does not use TLS`);
}

function tokenIn(content: Buffer): string | undefined {
  try {
    const { token, access_token: accessToken } = JSON.parse(content.toString('utf8')) as Record<string, unknown>;
    return [token, accessToken].find((value) => typeof value === 'string' && value !== '') as string | undefined;
  } catch {
    return undefined;
  }
}
