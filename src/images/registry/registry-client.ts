// One repository of one registry: requests with the authorization that the registry asks for, and redirects followed
// without it where they lead elsewhere.
import { BerthError } from '../../domain/errors.js';
import { dockerHub, type ImageReference, isLoopbackRegistry } from '../../domain/image-reference.js';
import { type Challenge, parseChallenges } from './challenge.js';
import { basicAuthorization, fetchToken } from './fetch-token.js';
import { type HttpAnswer, type HttpRequest, type HttpTransport, isWithoutTls } from './http-transport.js';
import { refusalFrom } from './read-answer.js';
import type { RegistryAccess } from './registry-access.js';

export interface RegistryRequest {
  readonly method: HttpRequest['method'];
  /** Below the repository, such as `manifests/latest`; or what a Location header named. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once for each time that the request is sent. */
  readonly body?: () => HttpRequest['body'];
  /** Statuses below 400 and these are returned; others are thrown. */
  readonly expected?: readonly number[];
  /** Names what is asked for in the message of a failure. */
  readonly what: string;
  readonly signal: AbortSignal;
}

export interface RegistryAnswer extends HttpAnswer {
  /** Where the answer came from, after redirects. */
  readonly url: URL;
}

/** Docker Hub's registry has another name than its references. */
const hubHost = 'registry-1.docker.io';
const maxRedirects = 10;
/** A request is sent without, then with a token, and once more where that has expired. */
const maxAuthorizations = 2;
const redirects = [301, 302, 303, 307, 308];

export class RegistryClient {
  readonly #reference: ImageReference;
  readonly #access: RegistryAccess;
  readonly #transport: HttpTransport;
  readonly #scopes: readonly string[];
  #base: Promise<URL> | undefined;
  #authorization: string | undefined;
  #authorizing: Promise<string> | undefined;

  /** `actions` are what the repository's token must allow: `pull`, or `pull,push`. */
  constructor(
    reference: ImageReference,
    access: RegistryAccess,
    transport: HttpTransport,
    actions: 'pull' | 'pull,push',
  ) {
    this.#reference = reference;
    this.#access = access;
    this.#transport = transport;
    this.#scopes = [`repository:${reference.repository}:${actions}`];
    if (access.registryToken !== '') this.#authorization = `Bearer ${access.registryToken}`;
  }

  get repository(): string {
    return this.#reference.repository;
  }

  async send(request: RegistryRequest): Promise<RegistryAnswer> {
    this.#base ??= this.#findBase(request.signal);
    const base = await this.#base;
    let url = typeof request.path === 'string' ? new URL(`${this.repository}/${request.path}`, base) : request.path;
    let authorizations = 0;
    for (let hops = 0; hops <= maxRedirects; ) {
      const isOwn = url.origin === base.origin;
      const authorization = isOwn ? this.#authorization : undefined;
      const answer = await this.#sendOnce(request, url, {
        ...(isOwn && this.#access.headers),
        ...(authorization !== undefined && { authorization }),
      });
      if (redirects.includes(answer.status)) {
        await answer.discard();
        url = this.#redirected(url, answer, request.what);
        hops++;
        continue;
      }
      const isRefused = answer.status === 401 && isOwn && authorizations < maxAuthorizations;
      if (isRefused && (await this.#authorizeAgain(answer, authorization, request))) {
        authorizations++;
        continue;
      }
      if (answer.status < 400 || request.expected?.includes(answer.status) === true) return { ...answer, url };
      throw await refusalFrom(answer, request.what);
    }
    throw new BerthError(
      'failed-precondition',
      `${request.what}: the registry redirects more than ${maxRedirects} times`,
    );
  }

  async #sendOnce(request: RegistryRequest, url: URL, own: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const headers = {
      'user-agent': 'berth',
      ...own,
      // What is asked for is named by its digest: nobody is to change it on the way.
      'accept-encoding': 'identity',
      ...request.headers,
    };
    const { method, signal } = request;
    return await this.#transport.send({ method, url, headers, body: request.body?.(), signal });
  }

  #redirected(from: URL, { headers }: HttpAnswer, what: string): URL {
    const location = headers['location'] ?? '';
    if (location === '' || !URL.canParse(location, from.href))
      throw new BerthError('failed-precondition', `${what}: a redirect leads nowhere`);
    const url = new URL(location, from);
    this.#refuseUnsafe(url, what);
    return url;
  }

  /** Where a Location header of an upload leads. */
  locationOf(answer: RegistryAnswer, what: string): URL {
    return this.#redirected(answer.url, answer, what);
  }

  #refuseUnsafe(url: URL, what: string): void {
    if (url.protocol === 'https:') return;
    if (url.protocol === 'http:' && (this.#access.plainHttp || isLoopbackRegistry(url.host))) return;
    throw new BerthError(
      'permission-denied',
      `${what}: the registry sends us to ${url.origin}, which does not use TLS`,
    );
  }

  /** Whether there is an authorization to try that was not tried. */
  async #authorizeAgain(answer: HttpAnswer, tried: string | undefined, { signal }: RegistryRequest): Promise<boolean> {
    const header = answer.headers['www-authenticate'] ?? '';
    const challenges = parseChallenges(header);
    const challenge = challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges[0];
    if (challenge === undefined || this.#access.registryToken !== '') return false;
    // Somebody else was refused before, and has a new one already.
    if (this.#authorization === tried) {
      this.#authorizing ??= this.#authorizationFor(challenge, header, signal).finally(() => {
        this.#authorizing = undefined;
      });
      const authorization = await this.#authorizing;
      if (authorization === '' || authorization === tried) return false;
      this.#authorization = authorization;
    }
    await answer.discard();
    return true;
  }

  /** Empty where we have nothing of that kind. */
  async #authorizationFor(challenge: Challenge, header: string, signal: AbortSignal): Promise<string> {
    const credentials = await this.#access.credentials(header);
    if (credentials.authorization !== '') return credentials.authorization;
    if (challenge.scheme === 'basic') return credentials.username === '' ? '' : basicAuthorization(credentials);
    if (challenge.scheme !== 'bearer') return '';
    const { plainHttp } = this.#access;
    const request = { challenge, scopes: this.#scopes, credentials, plainHttp, signal };
    return `Bearer ${await fetchToken(this.#transport, request)}`;
  }

  /** Plain HTTP only where it was asked for, and on loopback where the registry speaks no TLS. */
  async #findBase(signal: AbortSignal): Promise<URL> {
    const { registry } = this.#reference;
    const host = registry === dockerHub ? hubHost : registry;
    const plain = new URL(`http://${host}/v2/`);
    if (this.#access.plainHttp) return plain;
    const secure = new URL(`https://${host}/v2/`);
    if (!isLoopbackRegistry(registry)) return secure;
    try {
      const answer = await this.#transport.send({ method: 'GET', url: secure, headers: {}, signal });
      await answer.discard();
      return secure;
    } catch (error) {
      if (isWithoutTls(error)) return plain;
      this.#base = undefined;
      throw error;
    }
  }
}
