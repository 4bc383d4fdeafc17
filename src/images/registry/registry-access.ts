// How a client wants a registry to be spoken to. Nothing of it is kept or logged.

export interface RegistryAccess {
  readonly username: string;
  readonly password: string;
  /** A refresh token of the registry's token server, in place of name and password. */
  readonly identityToken: string;
  /** The bearer token itself, in place of all. */
  readonly registryToken: string;
  readonly plainHttp: boolean;
  readonly insecureSkipVerify: boolean;
  /** In PEM, trusted beside the host's. */
  readonly certificateAuthorities: string;
}
