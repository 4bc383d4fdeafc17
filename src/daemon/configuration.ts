// The daemon's settings: defaults, then the configuration file, then the command line; checked once, then frozen.
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { parse } from 'smol-toml';
import { BerthError, messageOf } from '../domain/errors.js';
import { ownShimName, type RuntimeNames } from '../domain/runtime-name.js';
import { isTcpAddress } from './tcp-address.js';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export const logFormats = ['text', 'json'] as const;
export const shimLaunches = ['auto', 'zygote', 'spawn'] as const;

export interface Configuration {
  /** Kept over reboots: the records. */
  readonly root: string;
  /** Of this boot: bundles, sockets, the runtime's own state. */
  readonly state: string;
  /** The unix socket that the API is served on. */
  readonly address: string;
  /** HOST:PORT to serve on as well, with mutual TLS; empty: none. Then the three files are needed. */
  readonly tcpAddress: string;
  /** PEM: the daemon's certificate (with its chain), its key, and the authority whose clients may come in. */
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly tlsClientCa: string;
  /** The OCI runtime's binary: a name on PATH or an absolute path. */
  readonly runtime: string;
  /** The absolute path of the `criu` for checkpoints; empty: the one that the runtime finds on PATH. */
  readonly criu: string;
  /** By runtime name: `berth` for Berth's own shim, or the absolute path of another. */
  readonly runtimes: RuntimeNames;
  /** How shims are started: forked from a zygote, as a fresh Node each, or `auto`: the one, and where it fails the other. */
  readonly shimLaunch: (typeof shimLaunches)[number];
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: (typeof logFormats)[number];
  /** Events that the journal keeps before it drops the oldest. */
  readonly journalEvents: number;
  /** Events older than this are dropped, as far as the journal has more than it must keep. */
  readonly journalSeconds: number;
  /** Bytes of events that the journal keeps before it drops the oldest. */
  readonly journalBytes: number;
  /** Between backups of the records; 0: none. */
  readonly backupIntervalSeconds: number;
  /** The newest so many backups are kept. */
  readonly backupsKept: number;
  /** How long exit records are kept after their tasks are gone. */
  readonly exitRetentionSeconds: number;
  /** From a removal of something that keeps other things to the garbage collection that it asks for. */
  readonly gcDelayMs: number;
  /** Between garbage collections that nothing asks for. */
  readonly gcIntervalSeconds: number;
  /** Bytes of one layer, uncompressed, beyond which it is refused. */
  readonly unpackMaxBytes: number;
  /** Entries of one layer beyond which it is refused. */
  readonly unpackMaxEntries: number;
  /** Whether layers may bring devices. */
  readonly unpackDevices: boolean;
  /** A directory with one directory per registry: `*.crt` are trusted, a pair `X.cert` and `X.key` is shown. */
  readonly registryCertificates: string;
  /** A registry that says nothing for so long has gone. */
  readonly registryTimeoutMs: number;
}

type FileOnly =
  | 'runtimes'
  | 'journalEvents'
  | 'journalSeconds'
  | 'journalBytes'
  | 'backupIntervalSeconds'
  | 'backupsKept'
  | 'exitRetentionSeconds'
  | 'gcDelayMs'
  | 'gcIntervalSeconds'
  | 'unpackMaxBytes'
  | 'unpackMaxEntries'
  | 'unpackDevices'
  | 'registryCertificates'
  | 'registryTimeoutMs';

/** What the command line may set; absent means not set. */
export type CommandLine = Partial<Omit<Configuration, FileOnly>> & {
  readonly config?: string;
};

export const defaultConfigurationFile = '/etc/berth/config.toml';

const defaults: Configuration = {
  root: '/var/lib/berth',
  state: '/run/berth',
  address: '/run/berth/berth.sock',
  tcpAddress: '',
  tlsCert: '',
  tlsKey: '',
  tlsClientCa: '',
  runtime: 'runc',
  criu: '',
  runtimes: {},
  shimLaunch: 'auto',
  logLevel: 'info',
  logFormat: 'text',
  journalEvents: 100_000,
  journalSeconds: 7 * 24 * 3600,
  journalBytes: 256 * 1024 * 1024,
  backupIntervalSeconds: 3600,
  backupsKept: 3,
  exitRetentionSeconds: 7 * 24 * 3600,
  gcDelayMs: 100,
  gcIntervalSeconds: 60,
  unpackMaxBytes: 64 * 1024 * 1024 * 1024,
  unpackMaxEntries: 4_000_000,
  unpackDevices: true,
  registryCertificates: '/etc/berth/certs.d',
  registryTimeoutMs: 30_000,
};

/** The file's keys, and what each must be. */
const fileKeys: Record<string, { readonly key: keyof Configuration; readonly check: (value: unknown) => boolean }> = {
  root: { key: 'root', check: isPath },
  state: { key: 'state', check: isPath },
  address: { key: 'address', check: isPath },
  tcp_address: { key: 'tcpAddress', check: isTcpAddress },
  tls_cert: { key: 'tlsCert', check: isPath },
  tls_key: { key: 'tlsKey', check: isPath },
  tls_client_ca: { key: 'tlsClientCa', check: isPath },
  runtime: { key: 'runtime', check: isText },
  criu: { key: 'criu', check: isCriuPath },
  runtimes: { key: 'runtimes', check: isRuntimeNames },
  shim_launch: { key: 'shimLaunch', check: (value) => isOneOf(shimLaunches, value) },
  log_level: { key: 'logLevel', check: (value) => isOneOf(logLevels, value) },
  log_format: { key: 'logFormat', check: (value) => isOneOf(logFormats, value) },
  journal_events: { key: 'journalEvents', check: (value) => isCountFrom(1000, value) },
  journal_seconds: { key: 'journalSeconds', check: (value) => isCountFrom(60, value) },
  journal_bytes: { key: 'journalBytes', check: (value) => isCountFrom(1024 * 1024, value) },
  backup_interval_seconds: { key: 'backupIntervalSeconds', check: (value) => isCountFrom(0, value) },
  backups_kept: { key: 'backupsKept', check: (value) => isCountFrom(1, value) },
  gc_delay_ms: { key: 'gcDelayMs', check: (value) => isCountFrom(0, value) },
  gc_interval_seconds: { key: 'gcIntervalSeconds', check: (value) => isCountFrom(1, value) },
  unpack_max_bytes: { key: 'unpackMaxBytes', check: (value) => isCountFrom(1024, value) },
  unpack_max_entries: { key: 'unpackMaxEntries', check: (value) => isCountFrom(1, value) },
  unpack_devices: { key: 'unpackDevices', check: (value) => typeof value === 'boolean' },
  registry_certificates: { key: 'registryCertificates', check: isPath },
  registry_timeout_ms: { key: 'registryTimeoutMs', check: (value) => isCountFrom(100, value) },
  exit_retention_seconds: { key: 'exitRetentionSeconds', check: (value) => isCountFrom(0, value) },
};

/** Throws `invalid-argument` that names the file and the key, or the flag. */
export function loadConfiguration(commandLine: CommandLine): Configuration {
  const { config, ...flags } = commandLine;
  const file = config ?? (existsSync(defaultConfigurationFile) ? defaultConfigurationFile : undefined);
  const fromFile = file === undefined ? {} : readConfigurationFile(file);
  const state = flags.state ?? fromFile.state ?? defaults.state;
  const merged = { ...defaults, address: join(state, 'berth.sock'), ...fromFile, ...flags };
  for (const key of ['root', 'state', 'address'] as const) {
    if (!isPath(merged[key]))
      throw new BerthError('invalid-argument', `${key} must be an absolute path: ${merged[key]}`);
  }
  checkTcp(merged);
  return Object.freeze(merged);
}

/** Whoever reaches the API is root on this host: over a network, only with a certificate. */
function checkTcp({ tcpAddress, tlsCert, tlsKey, tlsClientCa }: Configuration): void {
  const files = Object.entries({ 'tls-cert': tlsCert, 'tls-key': tlsKey, 'tls-client-ca': tlsClientCa });
  if (tcpAddress === '') {
    const [name] = files.find(([, path]) => path !== '') ?? [];
    if (name === undefined) return;
    throw new BerthError('invalid-argument', `${name} is given without a tcp-address`);
  }
  if (!isTcpAddress(tcpAddress)) {
    throw new BerthError('invalid-argument', `tcp-address must be HOST:PORT: ${tcpAddress}`);
  }
  for (const [name, path] of files) {
    if (path === '') {
      const message = `plain TCP is refused: tcp-address needs tls-cert, tls-key and tls-client-ca, and ${name} is missing`;
      throw new BerthError('invalid-argument', message);
    }
    if (!isPath(path)) throw new BerthError('invalid-argument', `${name} must be an absolute path: ${path}`);
  }
}

function readConfigurationFile(file: string): Partial<Configuration> {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parseFile(file))) {
    const rule = fileKeys[name];
    if (rule === undefined) {
      const known = Object.keys(fileKeys).join(', ');
      throw new BerthError('invalid-argument', `${file}: unknown key ${name}; known are ${known}`);
    }
    if (!rule.check(value)) {
      throw new BerthError(
        'invalid-argument',
        `${file}: ${name} has a value that cannot be used: ${JSON.stringify(value)}`,
      );
    }
    settings[rule.key] = value;
  }
  return settings;
}

function parseFile(file: string): Record<string, unknown> {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new BerthError('invalid-argument', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && isAbsolute(value);
}

/** The runtime looks for that very name, in the directory given. */
function isCriuPath(value: unknown): boolean {
  return isPath(value) && String(value).endsWith('/criu');
}

function isRuntimeNames(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((shim) => shim === ownShimName || isPath(shim));
}

function isCountFrom(least: number, value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= least;
}

function isOneOf(allowed: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && allowed.includes(value);
}
