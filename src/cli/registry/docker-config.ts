// Credentials as `docker login` keeps them: ~/.docker/config.json, and the helper programs that it names.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { BerthError, messageOf } from '../../domain/errors.js';
import { dockerHub } from '../../domain/image-reference.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly identityToken: string;
  readonly registryToken: string;
}

interface AuthEntry {
  /** Base64 of `NAME:PASSWORD`. */
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

/** What Docker calls its hub in there. */
const hubKey = 'https://index.docker.io/v1/';
/** The name under which helpers give identity tokens. */
const tokenName = '<token>';
const helperLimitMs = 30_000;

/** Undefined where there are none for this registry. */
export async function credentialsFor(
  registry: string,
  environment: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const config = await readDockerConfig(environment);
  const server = registry === dockerHub ? hubKey : registry;
  const helper = config.credHelpers?.[registry] ?? config.credHelpers?.[server] ?? config.credsStore;
  const fromHelper = helper === undefined ? undefined : await askHelper(helper, server, environment);
  return fromHelper ?? fromEntry(entryFor(config, server));
}

async function readDockerConfig(environment: NodeJS.ProcessEnv): Promise<DockerConfig> {
  const path = join(environment['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new BerthError('failed-precondition', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return JSON.parse(text) as DockerConfig;
  } catch {
    // The reason would quote the file, which has passwords in it.
    throw new BerthError('failed-precondition', `${path} is not JSON`);
  }
}

/** Keys may be hosts or URLs. */
function entryFor({ auths = {} }: DockerConfig, server: string): AuthEntry | undefined {
  const wanted = hostIn(server);
  return auths[server] ?? Object.entries(auths).find(([key]) => hostIn(key) === wanted)?.[1];
}

function hostIn(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function fromEntry(entry: AuthEntry | undefined): Credentials | undefined {
  if (entry === undefined) return undefined;
  const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  const credentials = {
    username: entry.username ?? decoded.slice(0, Math.max(colon, 0)),
    password: entry.password ?? decoded.slice(colon + 1),
    identityToken: entry.identitytoken ?? '',
    registryToken: entry.registrytoken ?? '',
  };
  const hasAny = credentials.username !== '' || credentials.identityToken !== '' || credentials.registryToken !== '';
  return hasAny ? credentials : undefined;
}

/** The protocol of docker-credential-helpers: the server on stdin, JSON on stdout. */
async function askHelper(
  name: string,
  server: string,
  environment: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name)) throw new BerthError('failed-precondition', `${program} is no name of a program`);
  const options = { input: server, env: environment, extendEnv: false, timeout: helperLimitMs, reject: false } as const;
  const { stdout, stderr, failed, exitCode, shortMessage } = await execa(program, ['get'], options);
  // That nothing is found is told on stdout, with an exit code of 1.
  if (failed && /credentials not found/i.test(`${stdout}${stderr}`)) return undefined;
  if (failed) {
    const reason =
      exitCode === undefined ? (shortMessage ?? 'it cannot be run') : stderr || stdout || `exit code ${exitCode}`;
    throw new BerthError('failed-precondition', `${program} failed: ${reason}`);
  }
  try {
    const { Username = '', Secret = '' } = JSON.parse(stdout) as {
      readonly Username?: string;
      readonly Secret?: string;
    };
    return Username === tokenName
      ? { username: '', password: '', identityToken: Secret, registryToken: '' }
      : { username: Username, password: Secret, identityToken: '', registryToken: '' };
  } catch {
    throw new BerthError('failed-precondition', `${program} did not answer with JSON`);
  }
}
