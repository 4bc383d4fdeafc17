// How a client of the transfer service wants its registry to be spoken to: it is asked for its credentials on a stream.
import { DeadlineError, withDeadline } from '../../base/deadline.js';
import { BerthError } from '../../domain/errors.js';
import {
  AuthRequest,
  AuthResponse,
  AuthType,
  type OCIRegistry,
} from '../../generated/containerd/types/transfer/registry.js';
import { parseImageReference } from '../../domain/image-reference.js';
import { type Credentials, noCredentials, type RegistryAccess } from '../../images/registry/registry-access.js';
import { packed, unpacked } from '../streaming/any-message.js';
import type { ClientStream } from '../streaming/client-streams.js';

const authRequest = { name: 'containerd.types.transfer.AuthRequest', codec: AuthRequest };
const authResponse = { name: 'containerd.types.transfer.AuthResponse', codec: AuthResponse };
/** A client asks whom it has to before it begins. containerd's says nothing where that fails. */
const answerTimeoutMs = 30_000;

/** `stream` is where the client answers; undefined where it has nothing to answer. */
export function accessOf({ reference, resolver }: OCIRegistry, stream: ClientStream | undefined): RegistryAccess {
  return {
    credentials: async (challenge) => (stream === undefined ? noCredentials : await ask(stream, reference, challenge)),
    // Ours are in lower case.
    headers: Object.fromEntries(
      Object.entries(resolver?.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    registryToken: '',
    plainHttp: resolver?.defaultScheme === 'http',
    insecureSkipVerify: false,
    certificateAuthorities: '',
  };
}

async function ask(stream: ClientStream, reference: string, challenge: string): Promise<Credentials> {
  const host = parseImageReference(reference).registry;
  await stream.send(packed(authRequest, { host, reference, wwwauthenticate: [challenge] }));
  const answer = await withDeadline(stream.receive(), answerTimeoutMs, 'credentials').catch((error: unknown) => {
    if (error instanceof DeadlineError) return undefined;
    throw error;
  });
  const response = answer && unpacked(authResponse, answer);
  if (response === undefined) throw new BerthError('permission-denied', `the client has no credentials for ${host}`);
  const { authType, username, secret } = response;
  switch (authType) {
    case AuthType.NONE:
      return noCredentials;
    case AuthType.CREDENTIALS:
      return { ...noCredentials, username, password: secret };
    case AuthType.REFRESH:
      return { ...noCredentials, identityToken: secret };
    case AuthType.HEADER:
      return { ...noCredentials, authorization: secret };
    default:
      throw new BerthError('unimplemented', `credentials of type ${String(authType)}`);
  }
}
