// How a client wants a registry to be spoken to. Nothing of it is kept or logged.

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** A refresh token of the registry's token server, in place of name and password. */
  readonly identityToken: string;
  /** The whole Authorization header, in place of all. */
  readonly authorization: string;
}

export const noCredentials: Credentials = { username: '', password: '', identityToken: '', authorization: '' };

export interface RegistryAccess {
  /** Called when the registry asks for an authorization, with its WWW-Authenticate header. */
  readonly credentials: (challenge: string) => Promise<Credentials>;
  /** Of HTTP, for each request to the registry itself. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bearer token itself, in place of all. */
  readonly registryToken: string;
  readonly plainHttp: boolean;
  readonly insecureSkipVerify: boolean;
  /** In PEM, trusted beside the host's. */
  readonly certificateAuthorities: string;
}
