// The options by which commands speak to registries, and the access that they and Docker's configuration make.
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { messageOf } from '../../domain/errors.js';
import { parseImageReference } from '../../domain/image-reference.js';
import type { RegistryAccess } from '../../generated/berth/v1/images.js';
import { UsageError } from '../cli-error.js';
import type { Session } from '../session.js';
import { credentialsFor } from './docker-config.js';

export interface RegistryOptions {
  readonly user?: string;
  readonly passwordStdin?: boolean;
  readonly plainHttp?: boolean;
  readonly insecure?: boolean;
  readonly tlsCa?: string;
}

export const registryHelp = `
Credentials are those of 'docker login': ~/.docker/config.json (or $DOCKER_CONFIG/config.json) and the helpers that it
names. Registries are spoken to by TLS, one on loopback that knows no TLS by plain HTTP. berthd trusts the certificates
in /etc/berth/certs.d/REGISTRY/*.crt as well, and those of --tls-ca.`;

export function addRegistryOptions(command: Command): Command {
  return command
    .option('-u, --user <name[:password]>', 'log in as this user, whatever the configuration says')
    .option('--password-stdin', 'read the password from standard input')
    .option('--plain-http', 'use HTTP without TLS: what is sent can be read and changed on the way')
    .option('--insecure', "do not check the registry's certificate")
    .option('--tls-ca <file>', 'trust the certificates in this PEM file as well');
}

export async function accessFrom(
  session: Session,
  reference: string,
  options: RegistryOptions,
): Promise<RegistryAccess> {
  const { registry } = parseImageReference(reference);
  const given = await givenUser(options);
  const found = given ?? (await credentialsFor(registry, session.environment));
  return {
    username: found?.username ?? '',
    password: found?.password ?? '',
    identityToken: found?.identityToken ?? '',
    registryToken: found?.registryToken ?? '',
    plainHttp: options.plainHttp ?? false,
    insecureSkipVerify: options.insecure ?? false,
    certificateAuthorities: options.tlsCa === undefined ? '' : await readCertificates(options.tlsCa),
  };
}

async function givenUser({ user, passwordStdin }: RegistryOptions) {
  if (user === undefined) {
    if (passwordStdin === true) throw new UsageError('--password-stdin needs --user');
    return undefined;
  }
  const colon = user.indexOf(':');
  const username = colon === -1 ? user : user.slice(0, colon);
  const tokens = { identityToken: '', registryToken: '' };
  if (passwordStdin === true) {
    if (colon !== -1) throw new UsageError('the password is given twice: with --user and with --password-stdin');
    return { username, password: (await text(process.stdin)).replace(/\r?\n$/, ''), ...tokens };
  }
  if (colon === -1) throw new UsageError('--user needs a password: NAME:PASSWORD, or --password-stdin');
  return { username, password: user.slice(colon + 1), ...tokens };
}

async function readCertificates(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--tls-ca: ${messageOf(error)}`);
  }
}
